/// A message of QEMU's that kvmctl acts on. QEMU has no code for these failures, only text, and this is the only place
/// where that text means something.
package enum QEMUComplaint: CaseIterable, Sendable {
    /// Another process has locked an image (block/file-posix.c).
    case diskInUse
    /// The address that VNC is to listen on is taken (util/qemu-sockets.c).
    case addressInUse
    /// A host in FIPS mode has no DES, which VNC passwords need (ui/vnc.c).
    case noVNCPasswords
    /// The guest's memory can't be allocated (util/oslib-posix.c, softmmu/physmem.c).
    case noMemory
    /// There is no CPU model of that name (hw/core/cpu-common.c).
    case noSuchModel
    /// A PCI Express port needs MSI-X, which needs an APIC (hw/pci/msix.c).
    case noMSIX
    /// This build has no io_uring: the option `aio` has no such value (qapi/block-core.json).
    case noIOUring
    /// An earlier command has asked the guest to let go of the device (softmmu/qdev-monitor.c).
    case unplugPending

    /// The texts that tell it: each is enough.
    private var texts: [String] {
        switch self {
        case .diskInUse: ["Is another process using the image"]
        case .addressInUse: ["Address already in use"]
        case .noVNCPasswords: ["does not support DES", "due to FIPS mode"]
        case .noMemory: ["Cannot allocate memory", "set up guest memory"]
        case .noSuchModel: ["unable to find CPU model"]
        case .noMSIX: ["MSI-X is not supported"]
        case .noIOUring: ["'aio'", "'io_uring'"]
        case .unplugPending: ["already in the process of unplug"]
        }
    }

    /// Whether a line says it.
    package func isIn(_ line: String) -> Bool { texts.contains { line.contains($0) } }

    /// The first that any of the lines says, in the order of the cases; nil: QEMU says something else.
    package init?(in lines: [String]) {
        guard let found = Self.allCases.first(where: { lines.contains(where: $0.isIn) }) else { return nil }
        self = found
    }
}

extension QEMUComplaint {
    /// The kind of failure, if a VM can't start because of it.
    package var code: VMError.Code {
        switch self {
        case .diskInUse, .addressInUse, .unplugPending: .busy
        case .noVNCPasswords, .noMemory, .noSuchModel, .noMSIX, .noIOUring: .unavailable
        }
    }

    /// What to do, if a VM can't start because of it; nil: the message has to speak for itself.
    package var remedy: Remedy? {
        switch self {
        case .diskInUse: "\(command: "fuser -v") with the disk's path says which process that is"
        case .addressInUse: "another program listens there; choose another VNCDISP"
        case .noVNCPasswords:
            """
            this host's cryptography does not support VNC passwords: VNCDISP=none needs none, and neither does a \
            display number, such as VNCDISP=0
            """
        case .noMemory: "the host has too little free memory for MEMORY"
        case .noSuchModel, .noMSIX, .noIOUring, .unplugPending: nil
        }
    }
}
