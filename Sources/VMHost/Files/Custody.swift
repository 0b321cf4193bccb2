import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// Whose the run-time files are. Root does what they say, so nobody else may be able to write or replace one.
package enum Custody {
    /// Refuses a directory that somebody else could change or replace, where root's environment names it: sudo may have
    /// been told to keep that of a user's.
    ///
    /// - Parameters:
    ///   - variable: the one of the environment that names it.
    ///   - mayHoldOthers: whether others may have files of theirs there, as in /tmp: each file is judged by itself, and they
    ///     can't put one in the place of another.
    static func refuseForeign(
        _ named: FilePath, from variable: String, mayHoldOthers: Bool = false
    ) throws(VMError) {
        // Where nothing answers nothing is read either.
        do throws(Errno) { try RemoteMounts.refuseSilent(at: named) } catch { return }
        let run = named.lexicallyNormalized()
        let real = realPath(run)
        let nearest = real ?? chain(run).lazy.compactMap(realPath).first
        for place in chain(run) + (nearest.map(chain) ?? []) {
            // What is missing is root's to make.
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

    /// Refuses a directory that somebody else can write to: they could choose what is opened there.
    package static func refuseForeign(_ directory: stat, at path: FilePath) throws(VMError) {
        guard !isOwn(directory) else { return }
        throw VMError(
            .denied, path.string,
            "belongs to \(Accounts.owner(directory)): somebody else could change what kvmctl keeps there",
            remedy: "give kvmctl a directory that only you can change; or, if nobody else needs this one, remove it")
    }

    /// The names in a directory of the caller's own, which only they can change; none where there is no such directory.
    package static func names(in directory: FilePath) throws(VMError) -> [String] {
        let found: [String]?
        let itself: stat?
        do throws(Errno) {
            // First: a host that has no such directory pays for one failed open.
            found = try VMHost.names(in: directory)
            itself = found == nil ? nil : try status(of: directory)
        } catch {
            throw .system(error, directory.string, "can't be looked into")
        }
        if let itself { try refuseForeign(itself, at: directory) }
        return found ?? []
    }

    /// Whether only the caller can change it.
    static func isOwn(_ found: stat) -> Bool { found.st_uid == geteuid() && found.st_mode & 0o022 == 0 }

    /// Whether what is in a directory stays there, whoever else may write to it.
    private static func mayHold(_ found: stat, at place: FilePath) -> Bool {
        let isSticky = found.st_mode & S_ISVTX != 0
        guard isLink(found) || isSticky || found.st_mode & 0o022 == 0 else { return false }
        return found.st_uid == 0 || isOutside(found, at: place)
    }

    /// Whether it belongs to nobody who can be met here, as `/` does in some containers.
    private static func isOutside(_ found: stat, at place: FilePath) -> Bool {
        guard let opened = try? OwnedDescriptor.open(place, .readOnly, flags: pathOnly | O_NOFOLLOW) else {
            return false
        }
        return FileOwnership.isOutside(opened, found)
    }

    private static func isLink(_ found: stat) -> Bool { found.st_mode & S_IFMT == S_IFLNK }

    /// The path and all that is above it.
    private static func chain(_ path: FilePath) -> [FilePath] {
        var chain = [path]
        var place = path
        while place.removeLastComponent() { chain.append(place) }
        return chain
    }

    private static func realPath(_ path: FilePath) -> FilePath? {
        guard let found = path.withPlatformString({ realpath($0, nil) }) else { return nil }
        defer { free(found) }
        return FilePath(platformString: found)
    }

    /// What is at the path itself, where it is a link too.
    package static func ownStatus(of path: FilePath) -> stat? {
        var found = stat()
        return path.withPlatformString { lstat($0, &found) } == 0 ? found : nil
    }
}

extension VMError {
    /// Why a file of kvmctl's own can't be used: what is in its place, whose it is, or what the kernel says.
    package static func unusable(_ errno: Errno, _ path: FilePath) -> VMError {
        guard let found = Custody.ownStatus(of: path) else { return .system(errno, path.string, "can't be opened") }
        let remedy: Remedy = "if nobody needs it, remove it"
        if found.st_mode & S_IFMT != S_IFREG {
            return VMError(
                .denied, path.string, "is not the file that kvmctl keeps there, nor any file", remedy: remedy)
        }
        guard errno == .notPermitted, !Custody.isOwn(found) else {
            return .system(errno, path.string, "can't be opened")
        }
        return VMError(
            .denied, path.string,
            "belongs to \(Accounts.owner(found)): somebody else could say there what kvmctl does", remedy: remedy)
    }
}
