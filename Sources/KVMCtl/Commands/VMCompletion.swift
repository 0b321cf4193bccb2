import ArgumentParser
import SystemPackage
import VMCore
import VMLife

extension CompletionKind {
    /// What a shell offers for a VM: names of those that the command can act on, or paths once a `/` was typed. Nothing
    /// if the VMs can't be looked at.
    static let vm = custom { words, _, prefix in vms(for: words, prefix) }

    /// The same, for another completion.
    static func vms(for words: [String], _ prefix: String) -> [String] {
        guard let slash = prefix.lastIndex(of: "/") else { return names(of: state(for: words)) }
        return paths(in: String(prefix[...slash]))
    }

    /// The commands that act only on VMs that run, or only on those that don't.
    private static let states: [String: Site.CandidateState] = [
        "start": .stopped, "rm": .stopped, "delete": .stopped, "undefine": .stopped, "rename": .stopped,
        "clone": .stopped,
        "stop": .running, "shutdown": .running, "destroy": .running, "restart": .running, "reboot": .running,
        "reset": .running, "pause": .running, "resume": .running, "suspend": .running, "freeze": .running,
        "thaw": .running, "console": .running, "vnc": .running, "ip": .running, "ssh": .running,
        "screenshot": .running, "sendkey": .running, "top": .running, "fstrim": .running, "nmi": .running,
    ]

    /// - Parameter words: the command line, which begins with the program's name.
    private static func state(for words: [String]) -> Site.CandidateState {
        words.dropFirst().first.flatMap { states[$0] } ?? .any
    }

    private static func names(of state: Site.CandidateState) -> [String] {
        guard let site = try? Site.current else { return [] }
        return site.candidates(state).map(\.description)
    }

    /// Directories, which may hold a VM or lead to one, and params files; no hidden ones.
    private static func paths(in directory: String) -> [String] {
        Site.places(in: FilePath(directory)).map { place in
            // bash marks directories itself, and would take this mark for the end of the word.
            let isMarked = place.isDirectory && CompletionShell.requesting != .bash
            return "\(directory)\(place.name)\(isMarked ? "/" : "")"
        }
    }
}
