import Glibc
import SystemPackage
import VMCore
import VMHost

/// Where a VM is to be created.
package struct NewVMPlace: Equatable, Sendable {
    /// The directory that will hold it.
    package var directory: FilePath
    /// The root that it is under, if that has to be created too.
    package var newRoot: FilePath?

    /// Where a path leads once the directory is made: from there, `..` is the one that holds it.
    func reached(_ path: FilePath) -> FilePath {
        let isMissing = (try? isThere(directory)) == false
        return isMissing && path.starts(with: directory) ? path.lexicallyNormalized() : path
    }
}

extension Site {
    /// Where to create the VM that a word of the command line names: at that path if it contains a `/`; else under the
    /// first root that the caller may write to, where the same word then finds it.
    ///
    /// - Throws: `.cannotCreate` if the name already finds another VM, `.denied` if the caller may write to no root.
    package func place(forNew word: String, in context: PlanningContext) throws(VMError) -> NewVMPlace {
        if Self.isPath(word) { return NewVMPlace(directory: absolutePath(word)) }
        guard let name = VMName(word) else { throw notAName(word) }
        try refuseTaken(name, in: context)
        for root in paths.roots {
            if root.withPlatformString({ access($0, W_OK | X_OK) }) == 0 {
                return NewVMPlace(directory: root.appending(word))
            }
            if errno == ENOENT, root == paths.ownRoot {
                return NewVMPlace(directory: root.appending(word), newRoot: root)
            }
        }
        if let root = try missingRoot() {
            throw VMError(
                .notFound, word, "the directory for VMs, \(root), does not exist",
                remedy: .run("make it, or mount what should be there", "mkdir -p \(root)"))
        }
        throw VMError(
            .denied, word, "you may not write to any directory for VMs: \(rootsText)",
            remedy:
                "give a path, such as \(ShellCommand(words: ["./\(word)"])), or name your own directory in KVMCTL_VMS")
    }

    /// The first root, if none of them exists.
    private func missingRoot() throws(VMError) -> FilePath? {
        for root in paths.roots {
            do throws(Errno) { if try isThere(root) { return nil } } catch {
                throw .system(error, root.string, "can't be accessed")
            }
        }
        return paths.roots.first
    }

    /// Refuses a name that already finds another VM.
    ///
    /// - Throws: `.cannotCreate`.
    package func refuseTaken(_ name: VMName, in context: PlanningContext? = nil) throws(VMError) {
        let other: Machine
        do throws(VMError) { other = try find(name.description, among: context?.index) } catch {
            guard error.code == .notFound else { throw error }
            return
        }
        throw VMError(
            .cannotCreate, name.description,
            other.file.isEmpty
                ? "is the name of a running VM" : "is already the name of a VM: \(other.file)",
            remedy: "choose another name")
    }
}
