import SystemPackage
import VMCore
import VMHost

extension Site {
    /// Whether this is the params file of the VM of a `kvmctl run`, under way or kept: it exists in that command's memory
    /// alone.
    func isOfRun(_ file: FilePath) -> Bool { file.removingLastComponent() == paths.ephemeral }
}

extension Machine {
    /// Whether it is the VM of a `kvmctl run`.
    var isEphemeral: Bool { site.isOfRun(file) }

    /// Refuses the VM of a `kvmctl run` to whatever writes a definition or a saved state, or begins with a definition: it has
    /// none, and could never go on, as what its guest writes is gone with its QEMU.
    ///
    /// - Throws: `.busy` if it is such a VM.
    func refuseEphemeral() throws(VMError) {
        guard isEphemeral else { return }
        throw VMError(
            .busy, name.description,
            "it is ephemeral, for one run of kvmctl: it has no params file, and its disks are unnamed files",
            remedy: """
                look at it with \(command: "kvmctl show \(name)"), and change the VM that it was made from; it ends with its \
                run, and one that was kept ends with kvmctl stop
                """,
            condition: .ephemeral)
    }
}
