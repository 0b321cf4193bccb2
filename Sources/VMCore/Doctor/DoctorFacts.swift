import BridgeNet
import SystemPackage

/// What the doctor has to know, gathered before it judges, so that judging is pure.
struct DoctorFacts: Equatable, Sendable {
    /// Whether root asks, who sees everything.
    var isRoot: Bool
    /// The host's own part.
    var host: HostCondition
    /// The directories that kvmctl and its VMs write to.
    var places: [PlaceCondition] = []
    /// The VMs that are asked about.
    var machines: [MachineCondition] = []
    /// The other VMs, where only some are asked about.
    var neighbours: [Neighbour] = []
    /// The bridges that they use, or that are asked about.
    var bridges: [BridgeCondition] = []
    /// The interfaces that lead to the rest of the network: those of the default routes.
    var waysOut: [String] = []
    /// The packet filters.
    var filters = FilterCondition()
    /// What running VMs hold on the host.
    var held: [HeldCondition] = []
    /// What could not be looked at, and why.
    var unseen: [VMError] = []
}

/// The host, without its network and its VMs.
struct HostCondition: Equatable, Sendable {
    var kvm: KVMVerdict
    var kvmDevice: DeviceCondition
    /// Whether the only KVM is one for guests that were made for it.
    var kvmIsForeign = false
    /// The kernel module that goes with this processor's virtualization; nil where it shows none.
    var kvmModule: String?
    var qemu: Result<QEMUFacts, VMError>
    var tun: DeviceCondition
    var vhostNet: DeviceCondition
    /// Whether a process with QEMU's credentials gets an io_uring.
    var ioUring: Bool
    var machineID: String
    /// The name of the user who asks.
    var user: String
    /// Whether there is a group whose members may look at root's VMs.
    var hasLookers: Bool
    /// Accounts whose uid is one of those that VMs get.
    var strangers: [String] = []
    /// The uids that there are, where those that root's VMs get are not among them; else nil.
    var uids: IDMap?
    /// nil where the kernel does not say.
    var memory: MemoryCondition?
}

/// A device that a driver makes under /dev.
enum DeviceCondition: Equatable, Sendable {
    /// It opens.
    case usable
    /// It is there, and does not open.
    case refused(Errno)
    /// Something else is there: a file, or another device.
    case another
    /// It is not there.
    case missing(Driver)

    enum Driver: Equatable, Sendable {
        /// The kernel has it: only the device's file is missing.
        case running
        /// It can be loaded.
        case loadable
        /// This kernel was built without it, as far as can be seen.
        case none
    }
}

/// The host's memory (proc_meminfo(5)).
struct MemoryCondition: Equatable, Sendable {
    var total: ByteCount
    /// What can be had without swapping.
    var available: ByteCount
    /// Reserved as huge pages and in nobody's use.
    var idleHugePages: ByteCount
    /// What may still be promised where the kernel keeps its promises (vm.overcommit_memory=2); else nil.
    var promisable: ByteCount?
}

/// A directory that is written to.
struct PlaceCondition: Equatable, Sendable {
    /// What it is for: `logs`.
    var purpose: String
    var path: FilePath
    /// Whether kvmctl makes it itself.
    var isMadeByItself: Bool
    /// Whether it is there.
    var isThere: Bool
    /// The file system that it is on, or will be; nil where even that can't be asked.
    var system: FileSystem?

    /// A file system.
    struct FileSystem: Equatable, Sendable {
        var size: ByteCount
        var free: ByteCount
        /// Files that can still be made; nil where there is no fixed number.
        var freeFiles: UInt64?
        /// Where it is mounted, for one that is in memory (tmpfs(5)); else nil.
        var memoryMount: FilePath?
        /// How far the disks on it may still grow.
        var growth = ByteCount(bytes: 0)
    }
}

/// A VM.
struct MachineCondition: Equatable, Sendable {
    var name: String
    var file: FilePath
    var isRunning = false
    /// Whether its identity depends on the host's machine-id.
    var needsMachineID = false
    var memory: ByteCount?
    /// All that keeps it from starting, apart from the rest of the host.
    var obstacles: [VMError] = []
    var nics: [NIC] = []
    /// Where its VNC server listens for other hosts, where it does.
    var openVNC: HostPort?

    /// Its logs that have become too large.
    var longLogs: [LongLog] = []
    /// Where its VNC server listens on the host itself without a password, where it does, or would.
    var unprotectedVNC: HostPort?

    /// Its taps that are not on the bridge that they were made for.
    var looseTaps: [LooseTap] = []

    /// A tap of a VM that runs, off its bridge: somebody deleted that, or took the tap out.
    struct LooseTap: Equatable, Sendable {
        var tap: String
        var bridge: String
        /// Whether there is a bridge of that name.
        var isBridgeThere: Bool
        /// Whether the bridge is one of kvmctl's own networks'.
        var isOwn: Bool
    }

    /// A log that is larger than it is to be.
    struct LongLog: Equatable, Sendable {
        var path: FilePath
        var size: ByteCount
    }

    /// A network card.
    struct NIC: Equatable, Sendable {
        /// The n of `NETn`.
        var index: Int
        /// As in vm.params: `bridge:br0`.
        var network: String
        var mac: MACAddress
        /// The line of the file that the address stands on; nil where it is derived.
        var macLine: Int?
        /// Whether it says which VLANs it is in.
        var hasVLANs = false

        /// What it is to other VMs.
        var place: Neighbour.Address { .init(network: network, mac: mac.description) }

        /// The bridge that it names, where it does.
        var bridge: String? { network.hasPrefix("bridge:") ? String(network.dropFirst(7)) : nil }
    }
}
