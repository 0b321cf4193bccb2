import BridgeKernel
import CLinux
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

    /// Refuses copies of disks that take more room than there is. Where a file system lets files share what they have, copies
    /// within it take none.
    ///
    /// - Throws: `.cannotCreate`.
    package static func refuseLack(ofRoomFor new: [SparseDisk]) throws(VMError) {
        var needs: [UInt64: (size: ByteCount, place: FilePath)] = [:]
        for disk in new where disk.copied.bytes > 0 {
            let directory = FileSystemSpace.existing(disk.path.removingLastComponent())
            guard let device = (try? status(of: directory))?.st_dev else { continue }
            if disk.isShared(on: UInt64(device), at: directory) { continue }
            let known = needs[UInt64(device)]?.size ?? ByteCount(bytes: 0)
            needs[UInt64(device)] = (known + disk.copied, directory)
        }
        for need in needs.values {
            guard let free = FileSystemSpace(at: need.place)?.free, free < need.size else { continue }
            throw VMError(
                .cannotCreate, need.place.string,
                "the copies of disks take \(need.size), and only \(free) is free on its file system", errno: .noSpace,
                remedy: "free some space, or name a directory on another file system")
        }
    }
}

extension SparseDisk {
    /// How much of it is copied.
    package var copied: ByteCount {
        if case .copy(let source) = content { ByteCount(bytes: source.allocated) } else { ByteCount(bytes: 0) }
    }

    /// Whether a copy shares what it has with its source: both are on this file system, and it can do that.
    fileprivate func isShared(on device: UInt64, at directory: FilePath) -> Bool {
        guard case .copy(let source) = content, source.identity.device == device,
            let opened = try? OwnedDescriptor.directory(directory)
        else { return false }
        return Self.sharing.contains(clinux_file_system_type(opened.rawValue))
    }

    /// btrfs, xfs and bcachefs, as statfs(2) names them. An XFS may be one that can't: then the copy fails when it is full.
    private static let sharing: Set<Int64> = [0x9123_683e, 0x5846_5342, 0xca45_1a4e]
}
