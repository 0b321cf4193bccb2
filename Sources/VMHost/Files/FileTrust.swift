import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// Whose files the caller acts on: params files, and the files that they name.
///
/// Root does what a params file says, so anyone who can change or replace one could command root. Root therefore uses a
/// file only if the file and every directory on the way belong to root or to the user behind sudo, and nobody else can
/// write to them. With `--trust-owner` root uses another account's file with that account's rights, so that the file
/// gives access to nothing that its owner could not open (docs/security.md).
package struct FileTrust: Equatable, Sendable {
    /// How a file is judged.
    package enum Rule: Equatable, Sendable {
        /// An account without privileges: the kernel decides what it may open.
        case ownRights
        /// Only files that belong to these accounts.
        case accounts([UInt32])
        /// With the rights of a file's owner.
        case owner(FileAccount, name: String)
    }

    package let rule: Rule
    /// Whether another account's file may be used, with that account's rights.
    private let mayActForOwner: Bool

    private init(_ rule: Rule, mayActForOwner: Bool = false) {
        self.rule = rule
        self.mayActForOwner = mayActForOwner
    }

    /// The caller's rule.
    ///
    /// - Parameters:
    ///   - uid: the caller.
    ///   - environment: names the user behind sudo (`SUDO_UID` of sudo(8)).
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

    /// The rule for paths from root's environment: root's files alone.
    package static let root = FileTrust(.accounts([0]))

    /// Whether this process uses files with root's rights.
    package var actsAsRoot: Bool { if case .accounts = rule { true } else { false } }

    private var rights: FileRights {
        if case .owner(let account, _) = rule { .account(account) } else { .own }
    }

    /// Finds the file that a path leads to.
    ///
    /// - Parameter asDirectory: whether it is a directory in which something is to be made: one where everybody may do that
    ///   then suffices, if only their owners may replace names there (/tmp).
    package func find(_ path: FilePath, asDirectory: Bool = false) throws(PathWalk.Failure) -> FoundFile {
        let rights = rights
        var found: FoundFile
        switch rule {
        case .ownRights, .owner:
            found = try rights.walk { () throws(PathWalk.Failure) in try PathWalk.find(path, judge: nil) }
        case .accounts(let accounts):
            // Before anything on the mount is touched: the program that serves it may never answer.
            if let mount = RemoteMounts.mount(at: path),
                let distrust = Self.server(of: mount, besides: accounts, at: mount.path)
            {
                throw .distrusted(distrust)
            }
            found = try PathWalk.find(path) { found, place in
                var place = place
                if asDirectory, place.role == .end { place.role = .directory }
                return Self.distrust(of: found, place, accounts)
            }
        }
        found.rights = rights
        return found
    }

    /// Finds a program that is to be executed. Unprivileged accounts are protected here too: a program can do all that
    /// the account can do.
    func findProgram(_ path: FilePath) throws(PathWalk.Failure) -> FoundFile {
        guard rule == .ownRights else { return try find(path) }
        let accounts = [0, geteuid()]
        return try PathWalk.find(path) { Self.distrust(of: $0, $1, accounts) }
    }

    /// An account's rights, for reading its files without acting on them.
    package init(ofAccount uid: UInt32) { self.init(.owner(FileAccount(uid), name: Accounts.name(uid))) }

    /// The untrusted account that a params file depends on; nil if the file is trusted, or if the kernel decides
    /// because the caller acts with an account's rights.
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

    /// Whether a file can be read with the rights of this rule.
    package func canRead(_ path: FilePath) -> Bool {
        guard let found = try? find(path), let opened = try? found.open(.readOnly) else { return false }
        extendLifetime(opened)
        return true
    }

    /// The rule for one params file: the caller's, or with `--trust-owner` that of the file's owner.
    ///
    /// - Throws: `.denied` if more than one account could change it.
    package func forFile(_ path: FilePath) throws(VMError) -> FileTrust {
        guard mayActForOwner, case .accounts(let accounts) = rule else { return self }
        let owner = Owners(besides: accounts)
        do throws(PathWalk.Failure) {
            _ = try PathWalk.find(path) { owner.note($0, $1) }
        } catch {
            switch error {
            // Reading the file will report it.
            case .system: return self
            case .distrusted(let distrust):
                throw VMError(
                    .denied, path.string, distrust.sentence(for: path),
                    remedy: "--trust-owner needs a file that only one account can change")
            }
        }
        guard let uid = owner.uid else { return self }
        return FileTrust(.owner(FileAccount(uid), name: Accounts.name(uid)))
    }
}

extension FileTrust {
    /// Why something on the way is not trusted; nil if it is.
    private static func distrust(
        of found: borrowing OwnedDescriptor, _ place: PathWalk.Place, _ accounts: [UInt32]
    ) -> UntrustedFile? {
        let status = place.status
        // A link's target can't be changed, and its directory shows who made it, unless everyone may make files there.
        if place.role == .link, !place.isInShared { return nil }
        guard accounts.contains(status.st_uid) || FileOwnership.isOutside(found, status) else {
            return UntrustedFile(.owner(status.st_uid, name: Accounts.name(status.st_uid)), at: place.path)
        }
        do throws(Errno) {
            let mount = try RemoteMounts.served(UInt64(status.st_dev))
            if let distrust = mount.flatMap({ server(of: $0, besides: accounts, at: place.path) }) { return distrust }
        } catch {
            return UntrustedFile(.unknownServer, at: place.path)
        }
        if place.role == .link { return nil }
        return writers(found, place)
    }

    /// Why a file system that a program serves (FUSE) is not trusted: what it says about owners and modes is only that
    /// program's claim. nil if it is trusted.
    private static func server(of mount: Mount, besides accounts: [UInt32], at path: FilePath) -> UntrustedFile? {
        guard let server = mount.server, !accounts.contains(server) else { return nil }
        return UntrustedFile(.served(by: Accounts.name(server)), at: path)
    }

    /// Why it is not trusted: others can write to it.
    private static func writers(_ found: borrowing OwnedDescriptor, _ place: PathWalk.Place) -> UntrustedFile? {
        let status = place.status
        // The content of a device is a guest's disk, which the guest may write anyway.
        guard status.kind == S_IFDIR || status.kind == S_IFREG else { return nil }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        let isSticky = place.role == .directory && status.st_mode & S_ISVTX != 0
        if status.st_mode & 0o002 != 0, !isSticky {
            return UntrustedFile(.everyone(mode: mode), at: place.path)
        }
        if status.st_mode & 0o020 != 0, !isSticky, !FileOwnership.isPrivateGroup(found, status) {
            return UntrustedFile(.group(Accounts.groupName(status.st_gid), mode: mode), at: place.path)
        }
        // Anyone may have made the other name, if the kernel allows it (fs.protected_hardlinks of proc_sys_fs(5)): it
        // is not known who chose this file.
        if place.isInShared, status.kind == S_IFREG, status.st_nlink > 1 {
            return UntrustedFile(.otherNames, at: place.path)
        }
        return nil
    }

    /// Collects the account, beside the trusted ones, that could change something on the way to a file.
    private final class Owners {
        private let trusted: [UInt32]
        private(set) var uid: UInt32?

        init(besides trusted: [UInt32]) { self.trusted = trusted }

        /// Ends the walk at a second such account, or at something without a known owner.
        func note(_ found: borrowing OwnedDescriptor, _ place: PathWalk.Place) -> UntrustedFile? {
            guard let distrust = FileTrust.distrust(of: found, place, trusted + (uid.map { [$0] } ?? [])) else {
                return nil
            }
            guard let owner = distrust.owner, uid == nil else { return distrust }
            uid = owner
            // It belongs to that account. Check what others may do to it.
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
