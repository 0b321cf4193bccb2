import Glibc
import SystemPackage
import VMCore

/// Users and groups of the host (getpwnam(3), getgrnam(3)).
package enum Accounts {
    /// The group whose members may look at root's VMs; nil if /etc/group has none. Only that file is read: every
    /// command needs the answer, and asking each name service of nsswitch.conf(5) in vain would take longer than the
    /// rest of it.
    package static let lookers: UInt32? = {
        guard let file = fopen("/etc/group", "re") else { return nil }
        defer { fclose(file) }
        while let entry = fgetgrent(file) {
            if strcmp(entry.pointee.gr_name, "kvmctl") == 0 { return entry.pointee.gr_gid }
        }
        return nil
    }()

    /// The local accounts (passwd(5)) whose uids are in a range.
    package static func names(withUIDs range: ClosedRange<UInt32>) -> [String] {
        guard let file = fopen("/etc/passwd", "re") else { return [] }
        defer { fclose(file) }
        var names: [String] = []
        while let entry = fgetpwent(file) {
            if range.contains(entry.pointee.pw_uid) { names.append(String(cString: entry.pointee.pw_name)) }
        }
        return names
    }

    /// The group's id.
    static func group(named name: String) -> UInt32? { getgrnam(name).map { $0.pointee.gr_gid } }

    /// An account's home directory; `/` for one that has none.
    static func home(of uid: UInt32) -> FilePath {
        getpwuid(uid).map { FilePath(platformString: $0.pointee.pw_dir) } ?? "/"
    }

    /// An account's name; `uid N` for one that has none.
    package static func name(_ uid: UInt32) -> String {
        getpwuid(uid).map { String(cString: $0.pointee.pw_name) } ?? "uid \(uid)"
    }

    /// A group's name; `gid N` for one that has none.
    static func groupName(_ gid: UInt32) -> String {
        getgrgid(gid).map { String(cString: $0.pointee.gr_name) } ?? "gid \(gid)"
    }

    /// Whether a group is an account's primary group and has no other member.
    static func isPrivate(group gid: UInt32, of uid: UInt32) -> Bool {
        guard let own = getpwuid(uid), own.pointee.pw_gid == gid, let text = own.pointee.pw_name else { return false }
        let name = String(cString: text)
        return hasOnly(name, gid) && !isOthersFirst(gid, besides: uid)
    }

    private static func hasOnly(_ name: String, _ gid: UInt32) -> Bool {
        guard let group = getgrgid(gid), var member = group.pointee.gr_mem else { return false }
        while let other = member.pointee {
            if String(cString: other) != name { return false }
            member += 1
        }
        return true
    }

    /// Whether it is the primary group of another account in /etc/passwd.
    private static func isOthersFirst(_ gid: UInt32, besides uid: UInt32) -> Bool {
        guard let file = fopen("/etc/passwd", "re") else { return true }
        defer { fclose(file) }
        while let entry = fgetpwent(file) {
            if entry.pointee.pw_gid == gid, entry.pointee.pw_uid != uid { return true }
        }
        return false
    }

    /// A file's owner and mode, for people: `root, mode 600`.
    static func owner(_ file: stat) -> String {
        "\(name(file.st_uid)), mode \(String(file.st_mode & 0o7777, radix: 8))"
    }

    /// Turns `RUNAS` into ids: `user` or `user:group`, each a name or a number.
    ///
    /// - Parameter place: the line that says so, for errors.
    static func resolve(_ text: String, at place: String) throws(VMError) -> (uid: UInt32, gid: UInt32) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let user: (uid: UInt32, gid: UInt32)
        if let entry = getpwnam(parts[0]) {
            user = (entry.pointee.pw_uid, entry.pointee.pw_gid)
        } else if let number = UInt32(parts[0]) {
            user = (number, getpwuid(number).map { $0.pointee.pw_gid } ?? number)
        } else {
            throw VMError(
                .unavailable, place, "there is no user \(parts[0])",
                remedy: .run("make one", "adduser --system --group \(parts[0])", or: "leave RUNAS out"))
        }
        guard parts.count == 2 else { return user }
        guard let gid = group(named: parts[1]) ?? UInt32(parts[1]) else {
            throw VMError(
                .unavailable, place, "there is no group \(parts[1])",
                remedy: .run("make one", "addgroup --system \(parts[1])", or: "leave the group out"))
        }
        return (user.uid, gid)
    }

    /// The group that may open /dev/kvm, unless that is root's.
    package static var kvmGroups: [UInt32] {
        guard let device = try? status(of: "/dev/kvm"), device.st_gid != 0 else { return [] }
        return [device.st_gid]
    }
}
