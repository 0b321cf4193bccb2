import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// The user that dnsmasq becomes once it has its sockets, and the files that it can read as that user.
struct ServerAccount {
    let user: String
    let group: String
    let uid: UInt32
    let gid: UInt32

    /// The user that the dnsmasq package makes, or else nobody.
    init() throws(VMError) {
        guard let found = getpwnam("dnsmasq") ?? getpwnam("nobody") else {
            throw VMError(
                .unavailable, "nat", "there is no user for dnsmasq",
                remedy: .run("make one", "adduser --system dnsmasq"))
        }
        user = String(cString: found.pointee.pw_name)
        uid = found.pointee.pw_uid
        gid = found.pointee.pw_gid
        group = getgrgid(gid).map { String(cString: $0.pointee.gr_name) } ?? "nogroup"
    }

    /// Writes a file that dnsmasq may read.
    func write(_ text: String, to path: FilePath) throws(VMError) {
        do throws(Errno) {
            let file = try openOwn(path, .writeOnly, flags: O_TRUNC, permissions: 0o640, group: gid)
            try writeAll(Array(text.utf8), to: file.descriptor)
        } catch {
            throw .system(error, path.string, "can't be written")
        }
    }

    /// Makes sure that dnsmasq can reach a directory. It may pass through `run`, but not list it.
    ///
    /// - Parameter run: kvmctl's directory above it.
    func letPass(to directory: FilePath, below run: FilePath) throws(VMError) {
        if let found = try? status(of: run), found.st_mode & 0o001 == 0 {
            _ = run.withPlatformString { chmod($0, found.st_mode & 0o7777 | 0o001) }
        }
        try refuseClosed(above: directory)
    }

    /// Refuses a directory that dnsmasq can't reach.
    func refuseClosed(above directory: FilePath) throws(VMError) {
        var place = directory
        while place.removeLastComponent() {
            guard let found = try? status(of: place), !mayPass(found) else { continue }
            throw VMError(
                .unavailable, "nat", "dnsmasq's user, \(user), can't reach \(directory): it may not enter \(place)",
                remedy: "set KVMCTL_RUN to another directory, or let other users enter that one (mode o+x)")
        }
    }

    private func mayPass(_ directory: stat) -> Bool {
        let bit: UInt32 = directory.st_uid == uid ? 0o100 : directory.st_gid == gid ? 0o010 : 0o001
        return directory.st_mode & bit != 0
    }
}
