/// What a change to a VM's devices is made to.
package enum ChangeScope: Sendable {
    /// The running machine and the file; if the VM does not run, the file.
    case both
    /// The running machine: at its next start the VM is as its file says.
    case machine
    /// The file: the running machine stays as it is.
    case file

    var includesMachine: Bool { self != .file }
    var includesFile: Bool { self != .machine }
}
