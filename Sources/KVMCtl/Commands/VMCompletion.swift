import ArgumentParser
import SystemPackage
import VMCore
import VMLife

extension CompletionKind {
    /// What a shell offers for a VM: names, or where a `/` has been typed paths. Where the VMs can't be looked at, nothing.
    static let vm = custom { _, _, prefix in
        guard let slash = prefix.lastIndex(of: "/") else { return names() }
        return paths(in: String(prefix[...slash]))
    }

    private static func names() -> [String] {
        guard let paths = try? Places.current() else { return [] }
        return VMLocator(paths).candidates().map(\.description)
    }

    /// Directories, which may hold a VM or lead to one, and params files; without what is hidden.
    private static func paths(in directory: String) -> [String] {
        VMLocator.places(in: FilePath(directory)).map { place in
            // bash marks directories itself, and would take the mark for the end of the word.
            let isMarked = place.isDirectory && CompletionShell.requesting != .bash
            return "\(directory)\(place.name)\(isMarked ? "/" : "")"
        }
    }
}
