import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// Whose files the caller acts on: the params files that it follows, and what they name.
///
/// Root does what a params file says, and so would do what anybody says who can change one, or put another in its place.
/// It uses a file only where the file and every directory on the way belong to root, or to the user behind sudo, and
/// nobody else can write to them. `--trust-owner` is the way to use the file of another account: with that account's
/// rights, so that it names nothing that its owner could not open.
package struct FileTrust: Equatable, Sendable {
    /// What decides.
    package enum Rule: Equatable, Sendable {
        /// An account without privileges: the kernel decides what it may open.
        case ownRights
        /// The accounts that nobody need be protected from.
        case accounts([UInt32])
        /// The rights of a file's owner.
        case owner(FileAccount, name: String)
    }

    package let rule: Rule
    /// Whether a file of another account's is used with that account's rights.
    private let mayActForOwner: Bool

    private init(_ rule: Rule, mayActForOwner: Bool = false) {
        self.rule = rule
        self.mayActForOwner = mayActForOwner
    }

    /// The caller's rule.
    ///
    /// - Parameters:
    ///   - uid: the caller.
    ///   - environment: tells who is behind sudo (`SUDO_UID` of sudo(8)).
    ///   - trustingOwner: `--trust-owner`.
    package static func of(
        uid: UInt32, environment: (String) -> String?, trustingOwner: Bool = false
    ) throws(VMError) -> FileTrust {
        guard uid == 0 else {
            guard !trustingOwner else {
                throw VMError(
                    .denied, "--trust-owner", "only root can act for another account",
                    remedy: "leave it out: without root kvmctl acts with your own rights")
            }
            return FileTrust(.ownRights)
        }
        let behindSudo = environment("SUDO_UID").flatMap { UInt32($0) }
        return FileTrust(.accounts([0] + (behindSudo.map { [$0] } ?? [])), mayActForOwner: trustingOwner)
    }

    /// The rule for what root's own environment names: root alone.
    package static let root = FileTrust(.accounts([0]))

    /// Whether this process acts as root on what it finds.
    package var actsAsRoot: Bool { if case .accounts = rule { true } else { false } }

    private var rights: FileRights {
        if case .owner(let account, _) = rule { .account(account) } else { .own }
    }

    /// Finds what a path leads to.
    package func find(_ path: FilePath) throws(PathWalk.Failure) -> FoundFile {
        let rights = rights
        var found: FoundFile
        switch rule {
        case .ownRights, .owner:
            found = try rights.walk { () throws(PathWalk.Failure) in try PathWalk.find(path, judge: nil) }
        case .accounts(let accounts):
            // Before anything there is touched: its program may never answer.
            if let mount = RemoteMounts.mount(at: path),
                let distrust = Self.server(of: mount, besides: accounts, at: mount.path)
            {
                throw .distrusted(distrust)
            }
            found = try PathWalk.find(path) { Self.distrust(of: $0, $1, accounts) }
        }
        found.rights = rights
        return found
    }

    /// Finds a program that is to be executed. An account without privileges has to be protected there too: what it runs
    /// can do all that it can do itself.
    func findProgram(_ path: FilePath) throws(PathWalk.Failure) -> FoundFile {
        guard rule == .ownRights else { return try find(path) }
        let accounts = [0, geteuid()]
        return try PathWalk.find(path) { Self.distrust(of: $0, $1, accounts) }
    }

    /// The rights of an account, of whose files nothing is acted on.
    package init(ofAccount uid: UInt32) { self.init(.owner(FileAccount(uid), name: Accounts.name(uid))) }

    /// The account on whose mere word a params file is there; nil where the caller acts on the file, or acts with an account's
    /// rights, so that the kernel decides.
    package func stranger(at file: FilePath) -> UInt32? {
        guard case .accounts = rule else { return nil }
        do throws(PathWalk.Failure) {
            _ = try find(file)
            return nil
        } catch {
            guard case .distrusted(let distrust) = error else { return nil }
            return distrust.owner ?? (try? status(of: file)).flatMap { $0?.st_uid } ?? UInt32.max
        }
    }

    /// Whether a file can be read with the rights that decide.
    package func canRead(_ path: FilePath) -> Bool {
        guard let found = try? find(path), let opened = try? found.open(.readOnly) else { return false }
        extendLifetime(opened)
        return true
    }

    /// The rule for one params file: the caller's; or, with `--trust-owner`, that of the account whose it is.
    ///
    /// - Throws: `.denied` where more than one account could change it.
    package func forFile(_ path: FilePath) throws(VMError) -> FileTrust {
        guard mayActForOwner, case .accounts(let accounts) = rule else { return self }
        let owner = Owners(besides: accounts)
        do throws(PathWalk.Failure) {
            _ = try PathWalk.find(path) { owner.note($0, $1) }
        } catch {
            switch error {
            // Reading it will say so.
            case .system: return self
            case .distrusted(let distrust):
                throw VMError(
                    .denied, path.string, distrust.sentence(for: path),
                    remedy: "it belongs to no single account that it could be used for")
            }
        }
        guard let uid = owner.uid else { return self }
        return FileTrust(.owner(FileAccount(uid), name: Accounts.name(uid)))
    }
}

extension FileTrust {
    /// Why one thing on the way is not trusted; nil where it is.
    private static func distrust(
        of found: borrowing OwnedDescriptor, _ place: PathWalk.Place, _ accounts: [UInt32]
    ) -> Distrust? {
        let status = place.status
        // A link's words can't be changed. Who put it there is known, unless everybody may put something there.
        if place.role == .link, !place.isInShared { return nil }
        guard accounts.contains(status.st_uid) || FileOwnership.isOutside(found, status) else {
            return Distrust(
                place: place.path, reason: "belongs to \(Accounts.name(status.st_uid))", owner: status.st_uid)
        }
        do throws(Errno) {
            let mount = try RemoteMounts.served(UInt64(status.st_dev))
            if let distrust = mount.flatMap({ server(of: $0, besides: accounts, at: place.path) }) { return distrust }
        } catch {
            return Distrust(place: place.path, reason: "is on a file system of which nobody can tell who serves it")
        }
        if place.role == .link { return nil }
        return writers(found, place)
    }

    /// Why a file system is not trusted that a program serves (FUSE): whose a file is there, and who may change it, is that
    /// program's word. nil where it is trusted.
    private static func server(of mount: Mount, besides accounts: [UInt32], at path: FilePath) -> Distrust? {
        guard let server = mount.server, !accounts.contains(server) else { return nil }
        let reason = "is on a file system that a program of the account \(Accounts.name(server)) serves"
        return Distrust(place: path, reason: reason)
    }

    /// Who else may write to it.
    private static func writers(_ found: borrowing OwnedDescriptor, _ place: PathWalk.Place) -> Distrust? {
        let status = place.status
        // What may be written to a device is what a guest may write to it: its own disk.
        guard status.kind == S_IFDIR || status.kind == S_IFREG else { return nil }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        let isSticky = place.role == .directory && status.st_mode & S_ISVTX != 0
        if status.st_mode & 0o002 != 0, !isSticky {
            return Distrust(place: place.path, reason: "can be changed by everybody (mode \(mode))")
        }
        if status.st_mode & 0o020 != 0, !isSticky, !FileOwnership.isPrivateGroup(found, status) {
            return Distrust(
                place: place.path,
                reason: "can be changed by the group \(Accounts.groupName(status.st_gid)) (mode \(mode))")
        }
        // A second name may have been made by anybody, where the kernel lets them (fs.protected_hardlinks of
        // proc_sys_fs(5)): then who chose this file is not known.
        if place.isInShared, status.kind == S_IFREG, status.st_nlink > 1 {
            return Distrust(
                place: place.path,
                reason: "has other names beside this one, in a directory where everybody may make some")
        }
        return nil
    }

    /// The accounts that could change something on the way to a file, beside those that are trusted.
    private final class Owners {
        private let trusted: [UInt32]
        private(set) var uid: UInt32?

        init(besides trusted: [UInt32]) { self.trusted = trusted }

        /// Ends the walk where a second one is met, or where it can't be said who it is.
        func note(_ found: borrowing OwnedDescriptor, _ place: PathWalk.Place) -> Distrust? {
            guard let distrust = FileTrust.distrust(of: found, place, trusted + (uid.map { [$0] } ?? [])) else {
                return nil
            }
            guard let owner = distrust.owner, uid == nil else { return distrust }
            uid = owner
            // It is that account's; now what others may do to it.
            return FileTrust.distrust(of: found, place, trusted + [owner])
        }
    }
}

extension FileRights {
    /// `act`, for a walk.
    fileprivate func walk(
        _ body: () throws(PathWalk.Failure) -> FoundFile
    ) throws(PathWalk.Failure) -> FoundFile {
        var failure: PathWalk.Failure?
        do throws(Errno) {
            return try act { () throws(Errno) in
                do throws(PathWalk.Failure) { return try body() } catch {
                    failure = error
                    throw .ioError
                }
            }
        } catch { throw failure ?? .system(error, "/") }
    }
}
