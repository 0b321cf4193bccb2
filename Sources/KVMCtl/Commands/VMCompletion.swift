import ArgumentParser
import SystemPackage
import VMCore
import VMLife

extension CompletionKind {
    /// What a shell offers for a VM: names, or paths once a `/` was typed. Nothing if the VMs can't be looked at.
    static let vm = custom { _, _, prefix in
        guard let slash = prefix.lastIndex(of: "/") else { return names() }
        return paths(in: String(prefix[...slash]))
    }

    private static func names() -> [String] {
        guard let site = try? Site.current else { return [] }
        return site.candidates().map(\.description)
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
