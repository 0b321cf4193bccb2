import BridgeNet
import Glibc
import SystemPackage
import VMCore

/// Finds the services that configure a bridge's links, from their files and from what they leave in /run.
struct NetworkServiceProbe {
    let bridge: InterfaceName
    /// The bridge and its uplinks.
    let links: [Link]

    /// What was found of each service.
    var facts: [ServiceFacts] { [networkd, ifupdown, networkManager] }

    /// Every file in the directories where our files may be.
    func filesFound() throws(VMError) -> [PersistPlan.Found] {
        var found: [PersistPlan.Found] = []
        for path in Self.files(in: NetworkService.allCases.map(\.directory)) {
            do throws(Errno) {
                found.append(.init(path: path, text: String(decoding: try readFile(FilePath(path)), as: UTF8.self)))
            } catch .noSuchFileOrDirectory {
                continue
            } catch .permissionDenied, .isDirectory {
                found.append(.init(path: path, text: nil))
            } catch { throw .system(error, path, "can't be read") }
        }
        return found
    }

    /// Whether systemd starts a unit at boot, or is running it: a running service has a control group.
    static func isInUse(_ unit: String) -> Bool {
        let places = [
            "/etc/systemd/system/multi-user.target.wants", "/sys/fs/cgroup/system.slice",
            "/sys/fs/cgroup/systemd/system.slice",
        ]
        return places.contains { exists("\($0)/\(unit)") }
    }

    /// Whether something is there, if only a dangling link.
    static func exists(_ path: String) -> Bool {
        var found = stat()
        return lstat(path, &found) == 0
    }

    /// The files of some directories.
    static func files(in directories: [String]) -> [String] {
        directories.flatMap { directory in
            ((try? names(in: FilePath(directory))) ?? []).map { "\(directory)/\($0)" }
        }
    }

    /// A file's text; nil if the caller can't read it.
    static func text(_ path: String) -> String? {
        (try? readFile(FilePath(path))).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension ServiceFacts {
    /// Notes that there is a file about one of the links. Returns whether it is ours.
    mutating func isOurs(_ text: String, _ bridge: InterfaceName) -> Bool {
        switch MarkedText.owner(of: text) {
        case .ours(bridge.description), .edited(bridge.description):
            raise(.hasOurFiles)
            return true
        default:
            raise(.configuresLink)
            return false
        }
    }

    /// Keeps the stronger of the evidence so far and this one.
    mutating func raise(_ evidence: Evidence) {
        self.evidence = max(self.evidence ?? evidence, evidence)
    }
}
