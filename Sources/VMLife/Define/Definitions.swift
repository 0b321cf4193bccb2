import Glibc
import SystemPackage
import VMCore
import VMHost

/// The params files in some places, and the places that could not be read: there may be VMs there too.
struct Definitions: Sendable {
    /// Absolute, sorted by path within each root.
    var files: [FilePath] = []
    /// The places that could not be read, and why.
    var unseen: [VMError] = []
    /// The roots that do not exist.
    var missing: [FilePath] = []

    /// A params file and its identity; nil: a dangling link, or a file that can't be accessed.
    private struct Found: Sendable {
        var path: FilePath
        var identity: FileIdentity?
    }

    /// Every params file under some roots: `ROOT/DIR/vm.params` and `ROOT/NAME.params`. A missing root holds none. A
    /// file that several names lead to is listed once, by the name that is not a link.
    init(under roots: [FilePath]) {
        var found: [Found] = []
        for root in roots {
            do throws(Errno) {
                guard let names = try names(in: root) else {
                    missing.append(root)
                    continue
                }
                found += look(at: names, in: root)
            } catch {
                unseen.append(
                    .system(
                        error, root.string, "can't be read, so the VMs there are missing here",
                        remedy: error == .permissionDenied
                            ? "run kvmctl as a user who may read it, or name other roots in KVMCTL_VMS" : nil))
            }
        }
        files = Self.withoutTwins(found)
    }

    /// The files that exist among some.
    init(at files: [FilePath]) {
        for file in files {
            do throws(Errno) { if try isThere(file) { self.files.append(file) } } catch {
                unseen.append(.system(error, file.string, "can't be accessed"))
            }
        }
    }

    /// A directory in a root that can't be read, and why.
    private struct Closed: Error {
        var path: FilePath
        var errno: Errno
    }

    private mutating func look(at entries: [String], in root: FilePath) -> [Found] {
        let places = entries.concurrentMap { entry -> Result<Found?, Closed> in
            let isFile = entry.hasSuffix(".params")
            // In one call: each one walks the whole path.
            let path = root.appending(isFile ? entry : "\(entry)/vm.params")
            do throws(Errno) {
                let identity = try status(of: path).map { FileIdentity($0) }
                // The bytes of its name are lost, so it can't be told what is there.
                if identity == nil, entry.unicodeScalars.contains("\u{fffd}") { throw .illegalByteSequence }
                return .success(isFile || identity != nil ? Found(path: path, identity: identity) : nil)
            } catch {
                // The file is there; reading it will tell why it can't be used. Anybody can make a link to itself.
                if isFile || error == .tooManySymbolicLinkLevels, error != .illegalByteSequence {
                    return .success(Found(path: path))
                }
                return .failure(Closed(path: root.appending(entry), errno: error))
            }
        }
        var found: [Found] = []
        var closed: [Closed] = []
        for place in places {
            switch place {
            case .success(let file?): found.append(file)
            case .success(nil): continue
            case .failure(let place): closed.append(place)
            }
        }
        unseen += Self.errors(closed)
        return found
    }

    private static func misspelt(_ path: FilePath, _ others: Int) -> VMError {
        VMError(
            .badData, "VMs",
            "\(path)\(others == 0 ? "" : " and \(others) more"): the name is not UTF-8, so what is there is not known",
            remedy: "rename it; ls -b \(ShellCommand(words: [path.removingLastComponent().string])) shows its bytes")
    }

    /// One error for all places with the same reason: on a host with many users there may be hundreds.
    private static func errors(_ closed: [Closed]) -> [VMError] {
        var rest = closed
        var errors: [VMError] = []
        while let first = rest.first {
            let others = rest.count(where: { $0.errno == first.errno }) - 1
            if first.errno == .illegalByteSequence {
                errors.append(Self.misspelt(first.path, others))
                rest.removeAll { $0.errno == first.errno }
                continue
            }
            errors.append(
                .system(
                    first.errno, "VMs", "\(first.path)\(others == 0 ? "" : " and \(others) more") can't be read",
                    remedy: first.errno == .permissionDenied ? "run kvmctl as root, with sudo" : nil))
            rest.removeAll { $0.errno == first.errno }
        }
        return errors
    }
}

extension Definitions {
    private static func withoutTwins(_ found: [Found]) -> [FilePath] {
        // They nearly always all differ, and sorting numbers is quicker than hashing them.
        let numbers = found.compactMap { $0.identity?.inode }.sorted()
        guard zip(numbers, numbers.dropFirst()).contains(where: ==) else { return found.map(\.path) }
        var places: [FileIdentity: Int] = [:]
        var files: [FilePath] = []
        for file in found {
            if let identity = file.identity, let place = places[identity] {
                if mayBeLinked(files[place]), !mayBeLinked(file.path) { files[place] = file.path }
            } else {
                if let identity = file.identity { places[identity] = files.count }
                files.append(file.path)
            }
        }
        return files
    }

    /// Whether a params file or its directory is a link.
    static func isLinked(_ file: FilePath) throws(Errno) -> Bool {
        if try isLink(file) { return true }
        return try isLink(file.removingLastComponent())
    }

    /// This only chooses between names, so a file that can't be accessed may count as a link.
    private static func mayBeLinked(_ file: FilePath) -> Bool { (try? isLinked(file)) ?? true }

    /// The files whose name is not a link, by identity.
    func plainNames() -> [FileIdentity: FilePath] {
        Dictionary(
            files.compactMap { file in
                Self.mayBeLinked(file) ? nil : Self.identity(of: file).map { ($0, file) }
            }, uniquingKeysWith: { first, _ in first })
    }

    private static func identity(of path: FilePath) -> FileIdentity? {
        (try? status(of: path)).flatMap { $0.map { FileIdentity($0) } }
    }
}
