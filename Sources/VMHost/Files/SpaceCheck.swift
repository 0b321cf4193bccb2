import Glibc
import SystemPackage
import VMCore

/// Compares the free space on the file systems of some images with what those images may grow to.
package enum SpaceCheck {
    private struct System {
        var free: ByteCount
        var growth = ByteCount(bytes: 0)
        var sample: FilePath

        mutating func grow(by size: ByteCount) { growth = growth + size }
    }

    /// How much the disks of some VMs may still grow, by file system.
    package struct Growth {
        /// For each file system, by its device number: one of the disks, and how much all of them may still grow.
        package private(set) var systems: [UInt64: (sample: FilePath, size: ByteCount)] = [:]

        /// - Parameter files: the VMs. A disk that several have counts once.
        package init(of files: [VMParams]) {
            var seen: Set<FilePath> = []
            for path in files.flatMap({ $0.disks.map(\.path.value) }) where seen.insert(path).inserted {
                guard let file = try? status(of: path), file.st_mode & S_IFMT == S_IFREG else { continue }
                let known = systems[UInt64(file.st_dev)] ?? (path, ByteCount(bytes: 0))
                systems[UInt64(file.st_dev)] = (known.sample, known.size + ByteCount(growthOf: file))
            }
        }
    }

    /// A line for each file system that will hold one of `new` and that all disks of all VMs together may outgrow.
    ///
    /// - Parameters:
    ///   - new: disks that don't exist yet.
    ///   - growth: how much existing disks may still grow.
    package static func warnings(_ new: [SparseDisk], besides growth: @autoclosure () -> Growth) -> [String] {
        var systems: [UInt64: System] = [:]
        for disk in new {
            let directory = FileSystemSpace.existing(disk.path.removingLastComponent())
            guard let device = (try? status(of: directory))?.st_dev, let space = FileSystemSpace(at: directory) else {
                continue
            }
            systems[UInt64(device), default: System(free: space.free, sample: disk.path)].grow(by: disk.size)
        }
        guard !systems.isEmpty else { return [] }
        for (device, growth) in growth().systems { systems[device]?.grow(by: growth.size) }
        return systems.values.filter { $0.growth > $0.free }.map {
            "the disks on the file system of \($0.sample) may still grow by \($0.growth), but only "
                + "\($0.free) is free: when it is full, QEMU pauses each guest that writes there"
        }.sorted()
    }
}
