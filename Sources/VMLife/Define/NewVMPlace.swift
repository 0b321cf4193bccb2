import Glibc
import SystemPackage
import VMCore
import VMHost

/// Where a VM is to be made.
package struct NewVMPlace: Equatable, Sendable {
    /// The directory that will hold it.
    package var directory: FilePath
    /// The root that it is under, where that has to be made too.
    package var newRoot: FilePath?
}

extension VMLocator {
    /// Where a VM that a word of the command line calls is made: at a path if it contains a `/`; else under the first root
    /// that the caller may write to, where the same word finds it.
    ///
    /// - Throws: `.cannotCreate` where the name finds another VM already, `.denied` where there is no root to write to.
    package func place(forNew word: String) throws(VMError) -> NewVMPlace {
        if Self.isPath(word) { return NewVMPlace(directory: absolutePath(word)) }
        guard let name = VMName(word) else { throw notAName(word) }
        try refuseTaken(name)
        for root in paths.roots {
            if root.withPlatformString({ access($0, W_OK | X_OK) }) == 0 {
                return NewVMPlace(directory: root.appending(word))
            }
            if errno == ENOENT, root == paths.ownRoot {
                return NewVMPlace(directory: root.appending(word), newRoot: root)
            }
        }
        throw VMError(
            .denied, word, "there is no directory for VMs that you may write to: \(rootsText)",
            remedy:
                "say a path, such as \(ShellCommand(words: ["./\(word)"])), or name a directory of yours in KVMCTL_VMS")
    }

    private func refuseTaken(_ name: VMName) throws(VMError) {
        let other: VMReference
        do throws(VMError) { other = try find(name.description) } catch {
            guard error.code == .notFound else { throw error }
            return
        }
        throw VMError(
            .cannotCreate, name.description,
            other.file.isEmpty
                ? "is the name of a VM that runs" : "is the name of a VM already: \(other.file)",
            remedy: "nothing was changed; choose another name")
    }
}
