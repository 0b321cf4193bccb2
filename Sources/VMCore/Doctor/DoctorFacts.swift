import BridgeNet
import SystemPackage

/// What the doctor needs to know, gathered before it judges, so that judging is pure.
package struct DoctorFacts: Equatable, Sendable {
    /// Whether root runs it, who can see everything.
    var isRoot: Bool
    /// The host itself.
    var host: HostCondition
    /// The directories that kvmctl and its VMs write to.
    var places: [PlaceCondition] = []
    /// The VMs that are asked about.
    var machines: [MachineCondition] = []
    /// The other VMs, if only some are asked about.
    var otherVMs: [OtherVM] = []
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

    package init(
        isRoot: Bool, host: HostCondition, places: [PlaceCondition] = [], machines: [MachineCondition] = [],
        otherVMs: [OtherVM] = [], bridges: [BridgeCondition] = [], waysOut: [String] = [],
        filters: FilterCondition = FilterCondition(), held: [HeldCondition] = [], unseen: [VMError] = []
    ) {
        self.isRoot = isRoot
        self.host = host
        self.places = places
        self.machines = machines
        self.otherVMs = otherVMs
        self.bridges = bridges
        self.waysOut = waysOut
        self.filters = filters
        self.held = held
        self.unseen = unseen
    }
}

/// The host, without its network and its VMs.
package struct HostCondition: Equatable, Sendable {
    var kvm: KVMVerdict
    var kvmDevice: DeviceCondition
    /// Whether the only KVM is one that runs just the guests built for it.
    var kvmIsForeign = false
    /// The kernel module for this processor's virtualization; nil if the processor shows none.
    var kvmModule: String?
    var qemu: Result<QEMUFacts, VMError>
    var tun: DeviceCondition
    var vhostNet: DeviceCondition
    /// Whether a process with QEMU's credentials gets an io_uring.
    var ioUring: Bool
    var machineID: String
    /// The name of the user who asks.
    var user: String
    /// Whether there is a group whose members may view root's VMs.
    var hasLookers: Bool
    /// Accounts whose uid is one of those that VMs get.
    var strangers: [String] = []
    /// The uids that exist, if those for root's VMs are not among them; else nil.
    var uids: IDMap?
    /// nil if the kernel does not say.
    var memory: MemoryCondition?

    package init(
        kvm: KVMVerdict, kvmDevice: DeviceCondition, kvmIsForeign: Bool = false, kvmModule: String? = nil,
        qemu: Result<QEMUFacts, VMError>, tun: DeviceCondition, vhostNet: DeviceCondition, ioUring: Bool,
        machineID: String, user: String, hasLookers: Bool, strangers: [String] = [], uids: IDMap? = nil,
        memory: MemoryCondition? = nil
    ) {
        self.kvm = kvm
        self.kvmDevice = kvmDevice
        self.kvmIsForeign = kvmIsForeign
        self.kvmModule = kvmModule
        self.qemu = qemu
        self.tun = tun
        self.vhostNet = vhostNet
        self.ioUring = ioUring
        self.machineID = machineID
        self.user = user
        self.hasLookers = hasLookers
        self.strangers = strangers
        self.uids = uids
        self.memory = memory
    }
}

/// A device that a driver makes under /dev.
package enum DeviceCondition: Equatable, Sendable {
    /// It opens.
    case usable
    /// It is there, but can't be opened.
    case refused(Errno)
    /// Something else is there: a file, or another device.
    case another
    /// It is not there.
    case missing(Driver)

    package enum Driver: Equatable, Sendable {
        /// The kernel has it: only the device's file is missing.
        case running
        /// It can be loaded.
        case loadable
        /// This kernel was built without it, as far as can be seen.
        case none
    }
}

/// The host's memory (proc_meminfo(5)).
package struct MemoryCondition: Equatable, Sendable {
    var total: ByteCount
    /// What is available without swapping.
    var available: ByteCount
    /// Reserved as huge pages but not used.
    var idleHugePages: ByteCount
    /// What the kernel can still commit to, if it does not overcommit (vm.overcommit_memory=2); else nil.
    var promisable: ByteCount?

    package init(total: ByteCount, available: ByteCount, idleHugePages: ByteCount, promisable: ByteCount? = nil) {
        self.total = total
        self.available = available
        self.idleHugePages = idleHugePages
        self.promisable = promisable
    }
}

/// A directory that kvmctl or its VMs write to.
package struct PlaceCondition: Equatable, Sendable {
    /// What it is for.
    package enum Purpose: String, Sendable {
        case runFiles = "run-time files"
        case logs
        case machines = "VMs"
        case disks
    }

    /// What it and others on its file system are for.
    package var purposes: [Purpose]
    var path: FilePath
    /// Whether kvmctl creates it itself.
    var isMadeByItself: Bool
    /// Whether it exists.
    var isThere: Bool
    /// The file system that it is on, or will be; nil if even that can't be found out.
    package var system: FileSystem?

    package init(_ purposes: [Purpose], path: FilePath, isMadeByItself: Bool, isThere: Bool, system: FileSystem? = nil)
    {
        self.purposes = purposes
        self.path = path
        self.isMadeByItself = isMadeByItself
        self.isThere = isThere
        self.system = system
    }

    /// A file system.
    package struct FileSystem: Equatable, Sendable {
        var size: ByteCount
        var free: ByteCount
        /// Files that can still be created; nil if there is no fixed number.
        var freeFiles: UInt64?
        /// Where it is mounted, if it is in memory (tmpfs(5)); else nil.
        var memoryMount: FilePath?
        /// How much the disks on it may still grow.
        package var growth = ByteCount(bytes: 0)

        package init(
            size: ByteCount, free: ByteCount, freeFiles: UInt64? = nil, memoryMount: FilePath? = nil,
            growth: ByteCount = ByteCount(bytes: 0)
        ) {
            self.size = size
            self.free = free
            self.freeFiles = freeFiles
            self.memoryMount = memoryMount
            self.growth = growth
        }
    }
}

/// A VM.
package struct MachineCondition: Equatable, Sendable {
    package var name: String
    var file: FilePath
    var isRunning = false
    /// Whether it is never started (`TEMPLATE`).
    package var isTemplate = false
    /// Whether its identity depends on the host's machine-id.
    package var needsMachineID = false
    package var memory: ByteCount?
    /// What keeps it from starting, apart from problems of the host.
    package var obstacles: [VMError] = []
    package var nics: [NIC] = []
    /// Where its VNC server listens for other hosts; nil if it does not.
    package var openVNC: HostPort?
    /// Why QEMU itself paused it; nil if it did not.
    package var pauseReason: PauseReason?

    /// Its logs that have become too large.
    package var longLogs: [LongLog] = []
    /// Where its VNC server listens, or would listen, on the host itself without a password; else nil.
    package var unprotectedVNC: HostPort?

    /// Its taps that are not on the bridge that they were made for.
    package var detachedTaps: [DetachedTap] = []
    /// The keys of the directories that it shares whose servers have ended.
    package var endedShares: [KeyName] = []
    /// What its disks stand on and was written to since.
    package var lateBases: [LateBase] = []

    package init(
        name: String, file: FilePath, isRunning: Bool = false, needsMachineID: Bool = false, memory: ByteCount? = nil,
        obstacles: [VMError] = [], nics: [NIC] = [], openVNC: HostPort? = nil, longLogs: [LongLog] = [],
        unprotectedVNC: HostPort? = nil, detachedTaps: [DetachedTap] = []
    ) {
        self.name = name
        self.file = file
        self.isRunning = isRunning
        self.needsMachineID = needsMachineID
        self.memory = memory
        self.obstacles = obstacles
        self.nics = nics
        self.openVNC = openVNC
        self.longLogs = longLogs
        self.unprotectedVNC = unprotectedVNC
        self.detachedTaps = detachedTaps
    }

    /// A running VM's tap that is not on its bridge: somebody deleted the bridge, or removed the tap from it.
    package struct DetachedTap: Equatable, Sendable {
        var tap: String
        var bridge: String
        /// Whether there is a bridge of that name.
        var isBridgeThere: Bool
        /// Whether the bridge belongs to one of kvmctl's own networks.
        var isOwn: Bool

        package init(tap: String, bridge: String, isBridgeThere: Bool, isOwn: Bool) {
            self.tap = tap
            self.bridge = bridge
            self.isBridgeThere = isBridgeThere
            self.isOwn = isOwn
        }
    }

    /// A log that is larger than it should be.
    package struct LongLog: Equatable, Sendable {
        var path: FilePath
        var size: ByteCount
        /// How long it should be at most.
        var limit: ByteCount

        package init(path: FilePath, size: ByteCount, limit: ByteCount) {
            (self.path, self.size, self.limit) = (path, size, limit)
        }
    }

    /// A network card.
    package struct NIC: Equatable, Sendable {
        /// The n of `NETn`.
        var index: Int
        /// As in vm.params: `bridge:br0`.
        var network: String
        var mac: MACAddress
        /// The line of the file that sets the address; nil if it is derived.
        var macLine: Int?
        /// Whether the file sets its VLANs.
        var hasVLANs = false

        package init(index: Int, network: String, mac: MACAddress, macLine: Int? = nil, hasVLANs: Bool = false) {
            self.index = index
            self.network = network
            self.mac = mac
            self.macLine = macLine
            self.hasVLANs = hasVLANs
        }

        /// Its address as other VMs see it.
        var place: OtherVM.Address { .init(network: network, mac: mac.description) }

        /// The bridge that it names, if any.
        package var bridge: String? { network.hasPrefix("bridge:") ? String(network.dropFirst(7)) : nil }
    }
}
