import SystemPackage

/// Somebody who has a disk, or what it is made of, so that a guest must not write there too.
package enum DiskUse: Equatable, Sendable {
    /// This host itself; in words: `mounted at /home`.
    case host(String, readOnly: Bool)
    /// A VM has it as a disk.
    case disk(of: VMName, isRunning: Bool)
    /// It is a device that is made of a disk of a running VM's, which QEMU's locks on that do not show.
    case device(of: VMName)
    /// A VM's disk is a difference to it: what is written to it changes what that VM reads.
    case backing(of: VMName, disk: FilePath)

    /// Whether it keeps a machine from using the disk.
    ///
    /// - Parameter writable: whether the machine would write to it.
    func excludes(writable: Bool) -> Bool {
        switch self {
        case .host(_, let readOnly): writable || !readOnly
        // QEMU's own locks tell more of those that run; those that don't may take turns.
        case .disk: false
        case .device: true
        case .backing: writable
        }
    }

    /// Whether a disk stands on it.
    package var isBacking: Bool { if case .backing = self { true } else { false } }

    /// Whether it is the disk of a VM that runs.
    package var isOfRunning: Bool { if case .disk(_, true) = self { true } else { false } }

    /// In words, after the disk's path.
    package var words: String {
        switch self {
        case .host(let words, _): "is in use by this host: \(words)"
        case .disk(let name, let isRunning):
            isRunning ? "is a disk of the VM \(name), which is running" : "is a disk of the VM \(name)"
        case .device(let name): "is made of a disk of the VM \(name), which is running"
        case .backing(let name, let disk):
            "is the backing file of \(disk), a disk of the VM \(name)"
        }
    }

    /// What to do about it, where it keeps a machine from starting.
    var remedy: Remedy {
        switch self {
        case .host: "give the host's use up first, or name another disk"
        case .disk, .device: "stop that VM first"
        case .backing:
            "writing to it corrupts that disk: only read it (_READONLY=yes), or give this VM a copy (qemu-img convert)"
        }
    }
}
