import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// Who owns the run-time files. Root acts on them, so nobody else may be able to write or replace one.
package enum RunFileOwnership {
    /// Refuses a directory named by root's environment if another user could change or replace it: sudo may be
    /// configured to keep a user's variable.
    ///
    /// - Parameters:
    ///   - variable: the environment variable that names it.
    ///   - mayHoldOthers: whether other users may have files there, as in /tmp: each file is then judged by itself, and
    ///     nobody can replace another user's.
    static func refuseForeign(
        _ named: FilePath, from variable: String, mayHoldOthers: Bool = false
    ) throws(VMError) {
        // Nothing will be read from a mount that does not answer.
        do throws(Errno) { try RemoteMounts.refuseSilent(at: named) } catch { return }
        let run = named.lexicallyNormalized()
        let real = realPath(run)
        let nearest = real ?? chain(run).lazy.compactMap(realPath).first
        for place in chain(run) + (nearest.map(chain) ?? []) {
            // Root makes what is missing.
            guard let found = ownStatus(of: place) else { continue }
            let isItself = (place == run || place == real) && !isLink(found)
            if isItself && !mayHoldOthers ? isOwn(found) : mayHold(found, at: place) { continue }
            let whose = isItself ? "belongs to" : "depends on \(place), which belongs to"
            throw VMError(
                .denied, run.string,
                "\(whose) \(Accounts.owner(found)): another user could change what root does through it",
                remedy: """
                    set \(variable) to a directory that only root can change, or run kvmctl without it: \
                    sudo env -u \(variable) kvmctl
                    """)
        }
    }

    /// Refuses a directory that another user can write to: they could choose what is opened there.
    package static func refuseForeign(_ directory: stat, at path: FilePath) throws(VMError) {
        guard !isOwn(directory) else { return }
        throw VMError(
            .denied, path.string,
            "belongs to \(Accounts.owner(directory)): another user could change what kvmctl keeps there",
            remedy: "give kvmctl a directory that only you can change; or, if nobody else needs this one, remove it")
    }

    /// The names in a directory that only the caller can change; none if there is no such directory.
    package static func names(in directory: FilePath) throws(VMError) -> [String] {
        let found: [String]?
        let itself: stat?
        do throws(Errno) {
            // Read first: a host without the directory then pays only for one failed open.
            found = try VMHost.names(in: directory)
            itself = found == nil ? nil : try status(of: directory)
        } catch {
            throw .system(error, directory.string, "can't be listed")
        }
        if let itself { try refuseForeign(itself, at: directory) }
        return found ?? []
    }

    /// Whether only the caller can change it.
    package static func isOwn(_ found: stat) -> Bool { found.st_uid == geteuid() && found.st_mode & 0o022 == 0 }

    /// Whether nobody else can replace what is in a directory, even if others may write to it.
    private static func mayHold(_ found: stat, at place: FilePath) -> Bool {
        let isSticky = found.st_mode & S_ISVTX != 0
        guard isLink(found) || isSticky || found.st_mode & 0o022 == 0 else { return false }
        return found.st_uid == 0 || isOutside(found, at: place)
    }

    /// Whether its owner is outside this user namespace, as the owner of `/` is in some containers.
    private static func isOutside(_ found: stat, at place: FilePath) -> Bool {
        guard let opened = try? OwnedDescriptor.open(place, .readOnly, flags: pathOnly | O_NOFOLLOW) else {
            return false
        }
        return FileOwnership.isOutside(opened, found)
    }

    private static func isLink(_ found: stat) -> Bool { found.st_mode & S_IFMT == S_IFLNK }

    /// The path and all directories above it.
    private static func chain(_ path: FilePath) -> [FilePath] {
        var chain = [path]
        var place = path
        while place.removeLastComponent() { chain.append(place) }
        return chain
    }

    /// A path without links; nil: it leads nowhere.
    package static func realPath(_ path: FilePath) -> FilePath? {
        guard let found = path.withPlatformString({ realpath($0, nil) }) else { return nil }
        defer { free(found) }
        return FilePath(platformString: found)
    }

    /// The status of the path itself: links are not followed.
    package static func ownStatus(of path: FilePath) -> stat? {
        var found = stat()
        return path.withPlatformString { lstat($0, &found) } == 0 ? found : nil
    }
}

extension VMError {
    /// Why one of kvmctl's files can't be used: something else is in its place, another user owns it, or the kernel's
    /// errno.
    package static func unusable(_ errno: Errno, _ path: FilePath) -> VMError {
        guard let found = RunFileOwnership.ownStatus(of: path) else {
            return .system(errno, path.string, "can't be opened")
        }
        let remedy: Remedy = "if nobody needs it, remove it"
        if found.st_mode & S_IFMT != S_IFREG {
            return VMError(
                .denied, path.string, "is not the regular file that kvmctl keeps there", remedy: remedy)
        }
        guard errno == .notPermitted, !RunFileOwnership.isOwn(found) else {
            return .system(errno, path.string, "can't be opened")
        }
        return VMError(
            .denied, path.string,
            "belongs to \(Accounts.owner(found)): another user could control kvmctl with it", remedy: remedy)
    }
}
