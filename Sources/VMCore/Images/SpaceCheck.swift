import Glibc
import SystemPackage

/// The free space on the file systems of some images, against what those images may grow to.
enum SpaceCheck {
    private struct System {
        var free: Int64
        var growth: Int64 = 0
        var sample: FilePath
    }

    /// How far the disks of some VMs may still grow, by file system.
    struct Growth {
        fileprivate var bytes: [UInt64: Int64] = [:]

        /// - Parameter files: the VMs. A disk that several have counts once.
        init(of files: [VMParams]) {
            for path in Set(files.flatMap { $0.disks.map(\.path.value) }) {
                guard let file = try? status(of: path), file.st_mode & S_IFMT == S_IFREG else { continue }
                bytes[UInt64(file.st_dev), default: 0] += max(0, Int64(file.st_size) - Int64(file.st_blocks) * 512)
            }
        }
    }

    /// A line for each file system that will hold one of `new`, where all disks of all VMs together may outgrow it.
    ///
    /// - Parameters:
    ///   - new: disks that don't exist yet.
    ///   - growth: that of those that do.
    static func warnings(_ new: [SparseDisk], besides growth: @autoclosure () -> Growth) -> [String] {
        var systems: [UInt64: System] = [:]
        for disk in new {
            let directory = existing(disk.path.removingLastComponent())
            guard let device = (try? status(of: directory))?.st_dev, let free = freeSpace(directory) else { continue }
            systems[UInt64(device), default: System(free: free, sample: disk.path)].growth += disk.size.bytes
        }
        guard !systems.isEmpty else { return [] }
        for (device, bytes) in growth().bytes { systems[device]?.growth += bytes }
        return systems.values.filter { $0.growth > $0.free }.map {
            "the disks on the file system of \($0.sample) may still grow by \(ByteCount(bytes: $0.growth)), and "
                + "\(ByteCount(bytes: $0.free)) are free: when it is full, QEMU pauses each guest that writes there"
        }.sorted()
    }

    /// The directory, or where it will be made.
    private static func existing(_ directory: FilePath) -> FilePath {
        var place = directory
        while place.lastComponent != nil, place.withPlatformString({ access($0, F_OK) }) != 0 {
            place = place.removingLastComponent()
        }
        return place
    }

    private static func freeSpace(_ path: FilePath) -> Int64? {
        var system = statvfs()
        guard path.withPlatformString({ statvfs($0, &system) }) == 0 else { return nil }
        return Int64(clamping: UInt64(system.f_bavail) * UInt64(system.f_frsize))
    }
}
