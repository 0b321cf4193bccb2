import Glibc
import SystemPackage
import VMCore

extension Credentials {
    /// The credentials that QEMU gets.
    ///
    /// - Parameters:
    ///   - trust: whose rights the VM is started with.
    ///   - isRoot: whether root starts it.
    /// - Throws: why it can't run as `RUNAS` says, or why its uid can't be used here.
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
            // A user's preview of root's plan does not depend on the user's own namespace.
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
                    + "which has \(IDMap.uids)",
                remedy: "name a user whose uid and gid are mapped")
        }
        if isRoot { return .user(runAs.value, uid: uid, gid: gid, groups: Accounts.kvmGroups) }
        if case .user(let name, let owner, _, _) = own {
            if uid == owner { return own }
            throw VMError(
                .denied, place, "the VM is started with the rights of \(name), who can't run it as another user",
                remedy: "leave RUNAS out, or set it to \(name)")
        }
        if uid == geteuid() { return own }
        throw VMError(
            .denied, place, "only root can run a VM as another user",
            remedy: "run kvmctl as root, or leave RUNAS out")
    }
}
