import CLinux
import Glibc
import SystemPackage

/// Whose rights files are accessed with.
enum FileRights: Equatable, Sendable {
    /// This process's.
    case own
    /// An account's, taken on by root.
    case account(FileAccount)

    /// Runs `body` with these rights, then restores this process's own.
    ///
    /// - Throws: the error of `body`; `.notPermitted` if the rights can't be changed: `body` was not run.
    func act<Result: ~Copyable>(_ body: () throws(Errno) -> Result) throws(Errno) -> Result {
        guard case .account(let account) = self else { return try body() }
        let before = Self.groups
        try account.take()
        defer { FileAccount(uid: geteuid(), gid: getegid(), groups: before).takeBack() }
        return try body()
    }

    /// The same for a body that returns its error.
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

/// The ids that the kernel checks when a file is opened.
package struct FileAccount: Equatable, Sendable {
    var uid: UInt32
    var gid: UInt32
    var groups: [UInt32]

    /// One of this host's accounts, with its login groups (getgrouplist(3)).
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

    /// Gives this thread the account's rights.
    fileprivate func take() throws(Errno) {
        let result = clinux_take_file_rights(uid, gid, groups, groups.count)
        guard result == 0 else { throw Errno(rawValue: -result) }
    }

    /// Restores root's rights, which can't fail. Should it fail, nothing must be done with the wrong rights.
    fileprivate func takeBack() {
        if clinux_take_file_rights(uid, gid, groups, groups.count) != 0 { abort() }
    }
}
