import Glibc
import SystemPackage
import VMCore

/// What a file system says of its space (statvfs(3)).
package struct FileSystemSpace {
    package var size: ByteCount
    package var free: ByteCount
    /// Files that can still be made; nil where it counts none, as btrfs does.
    package var freeFiles: UInt64?

    /// - Parameter directory: a directory on it.
    /// - Returns: nil where it does not say, or does not answer at all.
    package init?(at directory: FilePath) {
        // The first question may go unanswered; where it does, this one would too.
        guard (try? status(of: directory)) ?? nil != nil else { return nil }
        var system = statvfs()
        guard directory.withPlatformString({ statvfs($0, &system) }) == 0 else { return nil }
        size = ByteCount(blocks: UInt64(system.f_blocks), of: UInt64(system.f_frsize))
        free = ByteCount(blocks: UInt64(system.f_bavail), of: UInt64(system.f_frsize))
        freeFiles = system.f_files == 0 ? nil : UInt64(system.f_favail)
    }

    /// The directory, or the one that it will be made in.
    package static func existing(_ directory: FilePath) -> FilePath {
        var place = directory
        // One that can't be looked at may be there.
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
