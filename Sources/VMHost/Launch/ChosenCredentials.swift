import Glibc
import SystemPackage
import VMCore

extension Credentials {
    /// Who QEMU is to be.
    ///
    /// - Parameters:
    ///   - trust: on whose rights the VM is started.
    ///   - isRoot: whether root starts it.
    /// - Throws: why it can't be whom `RUNAS` names, or nobody can have the uid that it would get.
    package init(_ params: VMParams, _ trust: FileTrust, isRoot: Bool) throws(VMError) {
        self = try Self.chosen(params, trust, isRoot: isRoot)
    }

    private static func chosen(_ params: VMParams, _ trust: FileTrust, isRoot: Bool) throws(VMError) -> Credentials {
        let own: Credentials =
            switch trust.rule {
            case .owner(let account, let name):
                .user(name, uid: account.uid, gid: account.gid, groups: account.groups)
            case .accounts, .ownRights: isRoot ? .ownUID(groups: Accounts.kvmGroups) : .caller
            }
        guard let runAs = params.runAs else {
            // A plan for root by a user is not of the user's namespace.
            if case .ownUID = own, geteuid() == 0, !UIDPool.isMapped {
                throw VMError(
                    .unavailable, params.file.string, UIDPool.lack(in: .uids), remedy: .advice(UIDPool.mapping))
            }
            return own
        }
        let place = params.place(runAs.origin)
        let (uid, gid) = try Accounts.resolve(runAs.value, at: place)
        if geteuid() == 0, !IDMap.uids.contains(uid) || !IDMap.gids.contains(gid) {
            throw VMError(
                .unavailable, place,
                "the uid \(uid) or the gid \(gid) is not mapped in this container, "
                    + "whose are \(IDMap.uids)",
                remedy: "name a user whose uid and gid are among those")
        }
        if isRoot { return .user(runAs.value, uid: uid, gid: gid, groups: Accounts.kvmGroups) }
        if case .user(let name, let owner, _, _) = own {
            if uid == owner { return own }
            throw VMError(
                .denied, place, "it is started with the rights of \(name), who can't run a VM as another user",
                remedy: "leave RUNAS out, or say \(name)")
        }
        if uid == geteuid() { return own }
        throw VMError(
            .denied, place, "only root can run a VM as another user",
            remedy: "run kvmctl as root, or leave RUNAS out")
    }
}
