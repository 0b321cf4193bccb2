import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// An image that is to be checked: opened once, so that what was looked at is what is checked.
package struct ImageToCheck: ~Copyable {
    /// Its path.
    package let path: FilePath
    /// Where it was found.
    package let found: FoundFile
    /// Its status then.
    package let status: stat
    /// How it begins.
    package let header: [UInt8]
    private let file: OwnedDescriptor

    /// Opens it.
    ///
    /// - Parameter writing: whether it may be repaired.
    /// - Throws: `.notFound`, `.denied`, `.badData` if it is neither a file nor a block device.
    package static func open(
        _ path: FilePath, _ trust: FileTrust, writing: Bool
    ) throws(VMError) -> ImageToCheck {
        let found = try find(path, trust)
        let file = try open(found, path, writing: writing)
        do throws(Errno) {
            let header = try readBytes(of: file.rawValue, at: 0, count: ImageContent.headerLength)
            return ImageToCheck(path: path, found: found, status: try file.status(), header: header, file: file)
        } catch { throw .system(error, path.string, "can't be read") }
    }

    private static func find(_ path: FilePath, _ trust: FileTrust) throws(VMError) -> FoundFile {
        do throws(PathWalk.Failure) { return try trust.find(path) } catch {
            switch error {
            case .system(.noSuchFileOrDirectory, _), .system(.notDirectory, _): throw missing(path)
            case .system(let errno, _): throw .system(errno, path.string, "can't be read")
            case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: path.string)
            }
        }
    }

    private static func open(
        _ found: borrowing FoundFile, _ path: FilePath, writing: Bool
    ) throws(VMError) -> OwnedDescriptor {
        guard let kind = found.status?.kind else { throw missing(path) }
        // Checked before opening, since opening a device can have an effect (/dev/watchdog starts the watchdog).
        guard kind == S_IFREG || kind == S_IFBLK else { throw wrongKind(path) }
        do throws(Errno) {
            let file = try found.open(writing ? .readWrite : .readOnly)
            guard kind == S_IFBLK || file.pseudoFileSystem == nil else { throw .notSupported }
            return file
        } catch .notSupported {
            throw wrongKind(path)
        } catch { throw .system(error, path.string, writing ? "can't be opened for writing" : "can't be read") }
    }

    private static func wrongKind(_ path: FilePath) -> VMError {
        VMError(.badData, path.string, "is neither a file nor a block device")
    }

    private static func missing(_ path: FilePath) -> VMError { VMError(.notFound, path.string, "does not exist") }

    /// The locks that others hold on it.
    package func locks() throws(VMError) -> Set<ImageLock> {
        do throws(Errno) { return try ImageLock.held(on: file) } catch {
            throw .system(error, path.string, "can't tell whether it is in use")
        }
    }

    /// Has qemu-img check it, and repair it. It takes the image's locks as a VM does, and opens no other file: neither a
    /// backing file nor, as `refuseOthers` has seen to it, a data file that the header names.
    package func check(repairing: Bool) throws(VMError) -> QCOW2Check {
        try refuseOthers()
        return try checkQCOW2(
            file.descriptor, of: path, isDevice: status.kind == S_IFBLK, repairing: repairing)
    }

    /// Refuses an image that qemu-img would open other files for, or would not open.
    private func refuseOthers() throws(VMError) {
        guard let condition = QCOW2Condition(header) else {
            throw VMError(.badData, path.string, "is not a qcow2 image")
        }
        if condition.hasDataFile {
            throw VMError(
                .unavailable, path.string, "has its data in another file, which kvmctl does not open",
                remedy: "if both are yours, \(command: "qemu-img check \(path)") checks them")
        }
        if let fault = condition.fault { throw VMError(.badData, path.string, "\(fault)") }
    }
}

/// Has qemu-img check a qcow2 image, and repair it.
///
/// - Throws: `.badData` if it can't be checked to the end; `.unavailable` without qemu-img; `.timedOut`.
func checkQCOW2(
    _ image: FileDescriptor, of path: FilePath, isDevice: Bool = false, repairing: Bool = false
) throws(VMError) -> QCOW2Check {
    let words = ["check", "--output=json"] + (repairing ? ["-r", "all"] : [])
    let run = try Tool.qemuImg.finish(
        words + [qcow2OnStdin(isDevice: isDevice)], on: image, for: path.string, by: Deadline(in: .seconds(600)))
    if let check = QCOW2Check(output: String(decoding: run.output, as: UTF8.self)) { return check }
    throw VMError(
        .badData, path.string, "can't be checked to the end: qemu-img check gave up",
        details: Array((run.failure?.details ?? []).prefix(3)))
}
