import CLinux
import Glibc
import SystemPackage

/// Whose rights decide what may be done to files.
enum FileRights: Equatable, Sendable {
    /// Those of this process.
    case own
    /// Those of an account, for a process of root's.
    case account(FileAccount)

    /// Does something with these rights, and has its own again.
    ///
    /// - Throws: what `body` throws; `.notPermitted` where the rights can't be changed, and then nothing was done.
    func act<Result: ~Copyable>(_ body: () throws(Errno) -> Result) throws(Errno) -> Result {
        guard case .account(let account) = self else { return try body() }
        let before = Self.groups
        try account.take()
        defer { FileAccount(uid: geteuid(), gid: getegid(), groups: before).takeBack() }
        return try body()
    }

    /// The same for what says itself that it failed.
    func act(_ body: () -> Errno?) -> Errno? {
        do throws(Errno) {
            return try act { () throws(Errno) in body() }
        } catch { return error }
    }

    private static var groups: [gid_t] {
        var groups = [gid_t](repeating: 0, count: Int(max(0, getgroups(0, nil))))
        let count = getgroups(CInt(groups.count), &groups)
        return Array(groups.prefix(Int(max(0, count))))
    }
}

/// An account, as far as the kernel asks for it when a file is opened.
package struct FileAccount: Equatable, Sendable {
    var uid: UInt32
    var gid: UInt32
    var groups: [UInt32]

    /// An account of this host's, with the groups that it has when it logs in (getgrouplist(3)).
    init(_ uid: UInt32) {
        guard let entry = getpwuid(uid) else {
            self.init(uid: uid, gid: uid, groups: [])
            return
        }
        let gid = entry.pointee.pw_gid
        var count: CInt = 64
        var groups = [gid_t](repeating: gid, count: Int(count))
        while getgrouplist(entry.pointee.pw_name, gid, &groups, &count) < 0, count > groups.count {
            groups = [gid_t](repeating: gid, count: Int(count))
        }
        self.init(uid: uid, gid: gid, groups: Array(groups.prefix(Int(max(0, count)))))
    }

    init(uid: UInt32, gid: UInt32, groups: [UInt32]) { (self.uid, self.gid, self.groups) = (uid, gid, groups) }

    /// Makes it this thread's.
    fileprivate func take() throws(Errno) {
        let result = clinux_take_file_rights(uid, gid, groups, groups.count)
        guard result == 0 else { throw Errno(rawValue: -result) }
    }

    /// Root can always have its own again; without them nothing else must be done.
    fileprivate func takeBack() {
        if clinux_take_file_rights(uid, gid, groups, groups.count) != 0 { abort() }
    }
}
