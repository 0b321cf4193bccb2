import Glibc
import SystemPackage
import VMCore

/// A file system's size and free space (statvfs(3)).
package struct FileSystemSpace {
    package var size: ByteCount
    package var free: ByteCount
    /// How many more files can be made; nil if it has no such limit, as btrfs.
    package var freeFiles: UInt64?

    /// - Parameter directory: a directory on it.
    /// - Returns: nil if it can't be asked, or does not answer.
    package init?(at directory: FilePath) {
        // The question with a deadline first: statvfs(3) would wait for ever on a mount that does not answer.
        guard (try? status(of: directory)) ?? nil != nil else { return nil }
        var system = statvfs()
        guard directory.withPlatformString({ statvfs($0, &system) }) == 0 else { return nil }
        size = ByteCount(blocks: UInt64(system.f_blocks), of: UInt64(system.f_frsize))
        free = ByteCount(blocks: UInt64(system.f_bavail), of: UInt64(system.f_frsize))
        freeFiles = system.f_files == 0 ? nil : UInt64(system.f_favail)
    }

    /// The directory, or the nearest one above it that exists.
    package static func existing(_ directory: FilePath) -> FilePath {
        var place = directory
        // A directory that can't be examined may exist.
        while place.lastComponent != nil, (try? isThere(place)) == false { place = place.removingLastComponent() }
        return place
    }
}

extension ByteCount {
    /// How far a sparse file can still grow (stat(2): blocks of 512 bytes).
    package init(growthOf file: stat) {
        let blocks = UInt64(clamping: file.st_blocks)
        self = ByteCount(bytes: Int64(file.st_size)) - ByteCount(blocks: blocks, of: 512)
    }
}
