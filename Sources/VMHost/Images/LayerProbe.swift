import BridgeKernel
import Glibc
import SystemPackage
import VMCore

extension DiskLayer {
    /// The longest backing chain that QEMU would open.
    package static let longestChain = 200

    /// Looks at a disk and at what it stands on, whoever owns it: nothing is read but how each file begins.
    ///
    /// - Parameters:
    ///   - path: its path.
    ///   - format: as it was declared; nil: as its first bytes look.
    ///   - backing: what it was declared to stand on, the nearest first; empty: what the headers name.
    ///   - countingHoles: whether the image's holes are counted.
    package static func chain(
        at path: FilePath, as format: DiskFormat?, over backing: [FilePath] = [], countingHoles: Bool = false
    ) -> [DiskLayer] {
        var layer = DiskLayer(.disk, path.string, format: format?.rawValue)
        layer.look(at: path, countingHoles: countingHoles)
        var layers = [layer]
        var seen = Set([layer.found?.identity].compactMap(\.self))
        if !backing.isEmpty {
            for below in backing {
                var layer = DiskLayer(.backing, below.string)
                layer.look(at: below)
                if let identity = layer.found?.identity { layer.isAbove = !seen.insert(identity).inserted }
                layers.append(layer)
            }
            return layers
        }
        var place = path
        while var next = layers[layers.count - 1].named(at: place), layers.count < longestChain {
            if next.isFile {
                place = FilePath(next.name)
                next.look(at: place)
            }
            if let identity = next.found?.identity { next.isAbove = !seen.insert(identity).inserted }
            layers.append(next)
            // A chain that leads back to itself ends there.
            guard next.found != nil, !next.isAbove else { break }
        }
        return layers
    }

    private mutating func look(at path: FilePath, countingHoles: Bool = false) {
        do throws(Errno) {
            guard let status = try status(of: path) else { return }
            guard status.kind == S_IFREG || status.kind == S_IFBLK else {
                obstacle = VMError(.badData, path.string, "is neither a file nor a block device")
                return
            }
            var found = Found(FileIdentity(status))
            defer { self.found = found }
            if status.kind == S_IFREG {
                found.apparent = ByteCount(bytes: Int64(status.st_size))
                found.allocated = ByteCount(blocks: UInt64(clamping: Int64(status.st_blocks)), of: 512)
            }
            try found.read(path, isDevice: status.kind == S_IFBLK, countingHoles: countingHoles)
        } catch {
            obstacle = .system(
                error, path.string, "can't be looked at",
                remedy: error == .permissionDenied ? "run kvmctl as root, or as the user whose file it is" : nil)
        }
        format = format ?? found?.content?.name
    }
}

extension DiskLayer.Found {
    fileprivate mutating func read(_ path: FilePath, isDevice: Bool, countingHoles: Bool) throws(Errno) {
        let file = isDevice ? try OwnedDescriptor.blockDevice(path) : try OwnedDescriptor.anyonesRegular(path)
        let status = try file.status()
        identity = FileIdentity(status)
        if isDevice { apparent = ByteCount(bytes: Int64(lseek(file.rawValue, 0, SEEK_END))) }
        let bytes = try readBytes(of: file.rawValue, at: 0, count: ImageContent.headerLength)
        content = ImageContent(header: bytes)
        qcow2Size = QCOW2Header.virtualSize(in: bytes)
        header = QCOW2Header(bytes)
        locks = try ImageLock.held(on: file)
        if countingHoles, !isDevice {
            let length = Int64(status.st_size)
            let data = try dataExtents(of: file.rawValue, size: length).reduce(0) { $0 + Int64($1.count) }
            holes = ByteCount(bytes: length - data)
        }
    }
}
