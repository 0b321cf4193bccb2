import Glibc
import SystemPackage
import VMCore
import VMHost

// Who uses a file as a disk, or below one.
extension DiskClaims {
    /// The VMs that have a file as a disk, or stand on it.
    ///
    /// - Parameter own: the params file of a VM that does not count.
    func users(of file: stat, besides own: FilePath? = nil) -> [VMName] { Self.names(current(on: file, besides: own)) }

    /// The VMs that run and have a file open: as a disk, or below one.
    func running(on file: stat) -> [VMName] { Self.names(current(on: file, besides: nil).filter(\.isOpen)) }

    private static func names(_ claims: [Claim]) -> [VMName] {
        Set(claims.compactMap(\.use.vm)).sorted { $0.description < $1.description }
    }

    /// What VMs use a file for, each use once, by the VM's name.
    func uses(of file: stat) -> [DiskUse] {
        var uses: [DiskUse] = []
        for use in current(on: file, besides: nil).map(\.use) {
            // A VM that runs has its disks by its file too.
            if case .disk(let name, false) = use, uses.contains(.disk(of: name, isRunning: true)) { continue }
            if case .disk(let name, true) = use { uses.removeAll { $0 == .disk(of: name, isRunning: false) } }
            if !uses.contains(use) { uses.append(use) }
        }
        return uses.sorted { "\($0.vm?.description ?? "")" < "\($1.vm?.description ?? "")" }
    }

    /// The params files of the VMs that have a file as a disk, of those that the caller trusts.
    ///
    /// - Parameter behind: the files underneath it, such as a loop device's.
    func owners(of file: stat, behind: [FileIdentity] = []) -> [FilePath] {
        current(on: file, besides: nil, behind: behind)
            .filter { $0.account == nil && !$0.use.isBacking && !$0.use.isOfRunning }.map(\.owner)
    }

    /// Other uses of a disk than that of one VM: the one answer to whether it is in use, besides QEMU's locks.
    ///
    /// - Parameters:
    ///   - own: the params file of that VM; empty: there is none.
    ///   - host: what the host uses disks for.
    func uses(
        of found: borrowing FoundFile, _ status: stat, besides own: FilePath, _ host: HostDisks
    ) -> [DiskUse] {
        let claimFailure = status.kind == S_IFBLK ? found.claimFailure : nil
        let uses = [
            use(of: status, at: found.path, besides: own, behind: host.filesBehind(status)),
            host.use(of: status, claimFailure: claimFailure),
        ]
        return uses.compactMap(\.self)
    }

    /// Why it is not known what some VM uses; nil if it is known of all VMs that may use the disk.
    func unknownUser(of disk: FilePath) -> VMError? {
        gap(besides: "", at: disk).map { gap in
            VMError(
                .denied, disk.string, "\(gap), so a VM might use it",
                remedy: "make that readable first, or run kvmctl as root")
        }
    }

    /// The params files of the VMs that a file has to outlive.
    ///
    /// - Parameter isTemplate: whether it is a disk of a template: such a disk is also there for VMs that only read it.
    func dependents(on file: stat, isTemplate: Bool) -> [FilePath] {
        current(on: file, besides: nil).filter { isTemplate || $0.use.isBacking }.map(\.owner)
    }

    /// The VMs whose disks are overlays of a file. Those of an account that the caller does not trust don't count: any path
    /// can be named.
    ///
    /// - Parameter own: the params file of a VM that does not count.
    func overlays(of file: stat, besides own: FilePath) -> [VMName] {
        current(on: file, besides: own).filter { $0.use.isBacking && $0.account == nil }.compactMap(\.use.vm)
    }
}

extension PlanningContext {
    /// The VMs that stand on disks of a VM that are not there, by the disk. The others are looked at only if there are such.
    func standing(onLostOf params: VMParams, _ images: [FilePath: ImageFacts]) -> [FilePath: StandingVMs] {
        params.disks.map(\.path.value).reduce(into: [:]) { standing, path in
            switch images[path] {
            case .missing, .directoryMissing:
                standing[path] = claimsOnStarts.standing(onLost: path, besides: params.file)
            default: break
            }
        }
    }
}
