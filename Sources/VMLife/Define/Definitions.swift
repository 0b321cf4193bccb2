import Glibc
import SystemPackage
import VMCore
import VMHost

/// The params files that there are in some places, and the places that could not be looked at: a VM may be there too.
struct Definitions: Sendable {
    /// Absolute, sorted by path within each root.
    var files: [FilePath] = []
    /// Where it could not be seen whether there is one, and why.
    var unseen: [VMError] = []

    /// A params file, and which file that is; nil: it is a name that leads to none.
    private struct Found: Sendable {
        var path: FilePath
        var identity: FileIdentity?
    }

    /// Every params file under some roots: `ROOT/DIR/vm.params` and `ROOT/NAME.params`. A root that is not there holds none.
    /// What several names lead to is one file, and has the name that is no link.
    init(under roots: [FilePath]) {
        var found: [Found] = []
        for root in roots {
            do throws(Errno) {
                found += look(at: try names(in: root) ?? [], in: root)
            } catch {
                unseen.append(
                    .system(
                        error, root.string, "can't be looked into, so the VMs there are missing here",
                        remedy: error == .permissionDenied
                            ? "run kvmctl as a user who may, or name other roots in KVMCTL_VMS" : nil))
            }
        }
        files = Self.withoutTwins(found)
    }

    /// Those of some files that are there.
    init(at files: [FilePath]) {
        for file in files {
            do throws(Errno) { if try isThere(file) { self.files.append(file) } } catch {
                unseen.append(.system(error, file.string, "can't be looked at"))
            }
        }
    }

    /// Why a directory in a root can't be looked into.
    private struct Closed: Error {
        var path: FilePath
        var errno: Errno
    }

    private mutating func look(at entries: [String], in root: FilePath) -> [Found] {
        let places = entries.concurrentMap { entry -> Result<Found?, Closed> in
            let isFile = entry.hasSuffix(".params")
            // In one piece: each appending goes over the whole path.
            let path = root.appending(isFile ? entry : "\(entry)/vm.params")
            do throws(Errno) {
                let identity = try status(of: path).map { FileIdentity($0) }
                // What its bytes were is lost: nobody knows what is there.
                if identity == nil, entry.unicodeScalars.contains("\u{fffd}") { throw .illegalByteSequence }
                return .success(isFile || identity != nil ? Found(path: path, identity: identity) : nil)
            } catch {
                // A file of that name is there; why it can't be used is found out by whoever reads it.
                if isFile, error != .illegalByteSequence { return .success(Found(path: path)) }
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
            "\(path)\(others == 0 ? "" : " and \(others) more") has a name that is not UTF-8, so what is there is not known",
            remedy: "rename it; ls -b \(ShellCommand(words: [path.removingLastComponent().string])) shows its bytes")
    }

    /// One line for all that have the same reason: on a host of many users there may be hundreds.
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
                    first.errno, "VMs", "\(first.path)\(others == 0 ? "" : " and \(others) more") can't be looked into",
                    remedy: first.errno == .permissionDenied ? "look as root, with sudo" : nil))
            rest.removeAll { $0.errno == first.errno }
        }
        return errors
    }
}

extension Definitions {
    private static func withoutTwins(_ found: [Found]) -> [FilePath] {
        // Nearly always all are different, and to sort numbers is quicker than to hash them.
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

    /// Whether a params file, or the directory that it is in, is a link.
    static func isLinked(_ file: FilePath) throws(Errno) -> Bool {
        if try isLink(file) { return true }
        return try isLink(file.removingLastComponent())
    }

    /// Only names are chosen by this: where it can't be seen, another one is taken.
    private static func mayBeLinked(_ file: FilePath) -> Bool { (try? isLinked(file)) ?? true }

    /// Those that have a name that is no link, by what they are.
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
