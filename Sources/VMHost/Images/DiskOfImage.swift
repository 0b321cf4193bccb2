import BridgeKernel
import Glibc
import SystemPackage
import VMCore

// Disks that are made of an image: copies and overlays.
extension SparseDisk {
    /// Whether qemu-img is needed to make it.
    package var needsQEMUImg: Bool {
        if case .copy(let source) = content, source.format == .raw || source.size == size { return false }
        return format == .qcow2
    }

    /// Copies an image, and makes the copy as large as the disk is to be.
    func fill(
        _ file: FileDescriptor, from source: ImageSource, _ trust: FileTrust, by copying: DiskCopying = DiskCopying()
    ) throws(VMError) {
        try source.copy(to: file, called: path, trust, by: copying)
        let own: ByteCount
        do throws(Errno) {
            let header = try readBytes(of: file.rawValue, at: 0, count: ImageContent.headerLength)
            let bytes = Int64(lseek(file.rawValue, 0, SEEK_END))
            // A raw disk may begin with such a header, which its guest has written.
            let virtual = source.format == .qcow2 ? QCOW2Header.virtualSize(in: header) : nil
            own = virtual ?? ByteCount(bytes: bytes)
        } catch { throw .system(error, path.string, "can't be read") }
        guard size >= own else { throw Self.tooSmall(size, for: source.path, own) }
        guard size > own else { return }
        if format == .qcow2 {
            try growQCOW2(file, to: size, path)
        } else if ftruncate(file.rawValue, off_t(size.bytes)) != 0 {
            throw .system(Errno(rawValue: errno), path.string, "can't grow to \(size)")
        }
    }

    /// Makes an overlay. qemu-img does not open the image (`-u`): the size is known.
    func writeOverlay(to file: FileDescriptor, of base: FilePath, _ format: DiskFormat) throws(VMError) {
        try Tool.qemuImg.run(
            [
                "create", "-q", "-u", "-f", "qcow2", "-b", base.string, "-F", format.rawValue, "/proc/self/fd/0",
                String(size.bytes),
            ], on: file, for: path.string)
    }

    /// Makes it a copy of another overlay of the same image.
    func copyOverlay(
        _ overlay: FilePath, to file: FileDescriptor, of base: FilePath, _ format: DiskFormat
    ) throws(VMError) {
        do throws(Errno) {
            let source = try OwnedDescriptor.open(overlay, .readOnly, flags: O_NOFOLLOW)
            try copySparsely(source.rawValue, to: file.rawValue)
        } catch { throw .system(error, overlay.string, "can't be copied to \(path)") }
        // Its header names no image: in a warm start, kvmctl says what it stands on.
        try Tool.qemuImg.run(
            ["rebase", "-q", "-u", "-f", "qcow2", "-b", base.string, "-F", format.rawValue, "/proc/self/fd/0"],
            on: file, for: path.string)
    }

    /// Refuses a disk that what is in its image does not fit into.
    ///
    /// - Parameter option: what its size was said with.
    package static func tooSmall(
        _ size: ByteCount, for image: FilePath, _ own: ByteCount, option: String = "--disk"
    ) -> VMError {
        VMError(
            .usage, image.string, "holds a disk of \(own), which does not fit into \(size)",
            remedy: "give \(option) that size or a larger one, or leave it out")
    }
}

/// Makes a qcow2 image larger.
package func growQCOW2(_ image: FileDescriptor, to size: ByteCount, _ path: FilePath) throws(VMError) {
    try Tool.qemuImg.run(["resize", "-q", qcow2OnStdin(), String(size.bytes)], on: image, for: path.string)
}

/// Refuses a qcow2 image whose tables are not whole or don't fit together, as of one that was cut short: QEMU would read zeros
/// where they lead beyond its end.
func refuseDamagedQCOW2(_ image: FileDescriptor, of path: FilePath) throws(VMError) {
    let check = try checkQCOW2(image, of: path)
    guard check.isDamaged else { return }
    throw VMError(
        .badData, path.string, "is damaged: qemu-img check finds errors in it",
        remedy: "download it again, and compare its checksum", details: Array(check.messages.prefix(3)))
}

/// A qcow2 image as qemu-img opens it on its standard input. A backing file that the header names is not opened: a header
/// proves nothing.
func qcow2OnStdin(isDevice: Bool = false) -> String {
    let driver: JSON = isDevice ? "host_device" : "file"
    let image: JSON = [
        "driver": "qcow2", "backing": .null, "file": ["driver": driver, "filename": "/proc/self/fd/0"],
    ]
    return "json:\(image.text)"
}
