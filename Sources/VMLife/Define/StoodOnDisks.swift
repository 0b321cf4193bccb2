import Glibc
import SystemPackage
import VMCore
import VMHost

// What disks of other VMs are overlays of: they can't be read without it.
extension PlanningContext {
    /// Refuses to take away disks that other VMs stand on.
    ///
    /// What stands on a disk counts, not whether the VM is a template: an overlay is made by hand as well.
    ///
    /// - Parameters:
    ///   - disks: the disks; what the VM only reads, elsewhere, is not its own to lose.
    ///   - params: the VM whose disks they are. A template's are also there for VMs that only read them.
    ///   - deed: makes the cause of the VMs' names.
    /// - Throws: `.busy` with the names; why it can't be told.
    func refuseStoodOn(
        _ disks: [VMParams.Disk], of params: VMParams, _ deed: (StandingVMs) -> String
    ) throws(VMError) {
        guard let users = try standing(on: params.own(disks), of: params) else { return }
        throw VMError(
            .busy, params.name.value.description, deed(users),
            remedy: "remove these VMs first: their disks can't be read without it")
    }

    /// The same of a template, where a VM may stand on them of which that can't be told.
    func refuseMaybeStoodOn(_ disks: [VMParams.Disk], of params: VMParams) throws(VMError) {
        guard params.template.value else { return }
        for disk in params.own(disks) {
            guard let gap = allClaims.gap(besides: params.file, at: disk.path.value) else { continue }
            throw VMError(
                .busy, params.name.value.description, "\(gap), so a VM might stand on DISK\(disk.index)",
                remedy: "make that readable first, or run kvmctl as root")
        }
    }

    private func standing(on disks: [VMParams.Disk], of params: VMParams) throws(VMError) -> StandingVMs? {
        guard !disks.isEmpty else { return nil }
        let claims = allClaims
        if let obstacle = claims.obstacle { throw obstacle }
        var users: Set<VMName> = []
        for disk in disks {
            let path = disk.path.value
            let found: stat?
            do throws(Errno) { found = try status(of: path) } catch {
                throw .system(error, path.string, "can't tell whether disks of VMs are overlays of it")
            }
            guard let found else { continue }
            users.formUnion(
                params.template.value
                    ? claims.users(of: found, besides: params.file)
                    : claims.overlays(of: found, besides: params.file))
        }
        return StandingVMs(users.sorted { $0.description < $1.description })
    }
}

extension VMParams {
    /// Those of its disks that it would lose: what it writes to, and what is in its directory.
    fileprivate func own(_ disks: [Disk]) -> [Disk] {
        let directory = file.removingLastComponent()
        return disks.filter { !$0.readOnly.value || $0.path.value.removingLastComponent() == directory }
    }

    /// The disks that another version of the file does not have, by whatever path.
    func disks(missingIn other: VMParams) -> [Disk] {
        let kept = Set(other.disks.map { $0.path.value.lexicallyNormalized() })
        let places = Set(other.disks.compactMap { FilePlace(of: $0.path.value) })
        return disks.filter { disk in
            guard !kept.contains(disk.path.value.lexicallyNormalized()) else { return false }
            return FilePlace(of: disk.path.value).map { !places.contains($0) } ?? true
        }
    }
}
