import BridgeNet
import Glibc
import SystemPackage
import VMCore

/// Looks which services configure the links of a bridge, in their files and in what they leave in /run.
struct NetworkServiceProbe {
    let bridge: InterfaceName
    /// The bridge and its uplinks.
    let links: [Link]

    /// What there is of each service.
    var facts: [ServiceFacts] { [networkd, ifupdown, networkManager] }

    /// Every file in the directories where files of ours may be.
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

    /// Whether systemd starts it at boot, or runs it: a service that runs has a control group.
    static func isInUse(_ unit: String) -> Bool {
        let places = [
            "/etc/systemd/system/multi-user.target.wants", "/sys/fs/cgroup/system.slice",
            "/sys/fs/cgroup/systemd/system.slice",
        ]
        return places.contains { exists("\($0)/\(unit)") }
    }

    /// Whether there is something, if only a link that leads nowhere here.
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

    /// What a file says; nil where the caller can't read it.
    static func text(_ path: String) -> String? {
        (try? readFile(FilePath(path))).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension ServiceFacts {
    /// Notes that a file about one of the links is there; whether it is ours.
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

    /// Something was found that speaks for the service.
    mutating func raise(_ evidence: Evidence) {
        self.evidence = max(self.evidence ?? evidence, evidence)
    }
}
