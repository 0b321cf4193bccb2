import SystemPackage

/// Another use of a disk, or of what it is made of, so that a guest must not write to it as well.
package enum DiskUse: Equatable, Sendable {
    /// This host itself.
    case host(HostUse)
    /// A VM has it as a disk.
    case disk(of: VMName, isRunning: Bool)
    /// It is a device made of a running VM's disk; QEMU's locks on that disk do not show on it.
    case device(of: VMName)
    /// It is the backing file of a VM's disk: writing to it changes what that VM reads.
    case backing(of: VMName, disk: FilePath)

    /// Whether it keeps a VM from using the disk.
    ///
    /// - Parameter writable: whether the VM would write to it.
    package func excludes(writable: Bool) -> Bool {
        switch self {
        case .host(let use): writable || !use.isReadOnly
        // QEMU's own locks tell more about running VMs; stopped ones may take turns.
        case .disk: false
        case .device: true
        case .backing: writable
        }
    }

    /// Whether it is the backing file of a disk.
    package var isBacking: Bool { if case .backing = self { true } else { false } }

    /// Whether it is the disk of a running VM.
    package var isOfRunning: Bool { if case .disk(_, true) = self { true } else { false } }

    /// The VM.
    package var vm: VMName? {
        switch self {
        case .host: nil
        case .disk(let name, _), .device(let name), .backing(let name, _): name
        }
    }

    /// In words, after the disk's path.
    package var words: String {
        switch self {
        case .host(let use): "is in use by this host: \(use)"
        case .disk(let name, let isRunning):
            isRunning ? "is a disk of the VM \(name), which is running" : "is a disk of the VM \(name)"
        case .device(let name): "is made of a disk of the VM \(name), which is running"
        case .backing(let name, let disk):
            "is the backing file of \(disk), a disk of the VM \(name)"
        }
    }

    /// What to do about it, if it keeps a VM from starting.
    package var remedy: Remedy {
        switch self {
        case .host: "stop using it on the host first, or name another disk"
        case .disk, .device: "stop that VM first"
        case .backing:
            "writing to it corrupts that disk: make it read-only (_READONLY=yes), or give this VM a copy (qemu-img convert)"
        }
    }
}
