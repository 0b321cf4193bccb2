import BridgeNet
import SystemPackage

/// What a launch plan has to know of the host: asked once, before planning, so that planning itself is pure.
package struct HostFacts: Equatable, Sendable {
    /// Whether the start is root's: may make taps and give QEMU a user of its own.
    package var isRoot: Bool
    /// Whether it is planned for root by a user, who can't try what only root can: then that is assumed.
    package var isAssumed: Bool
    /// The account whose rights the start is made with (`--trust-owner`), where they are not the caller's.
    package var actsFor: String?
    /// Something that tells this host from others: the content of machine-id(5), or empty.
    package var machineID: String
    /// The QEMU binary.
    package var qemu: QEMUFacts
    /// Whether KVM runs guests here.
    package var kvm: KVMVerdict
    /// Whether a process with QEMU's credentials gets an io_uring from this kernel.
    package var ioUring: Bool
    /// Whether /dev/vhost-net opens.
    package var vhostNet: Bool
    /// Who QEMU will be.
    package var credentials: Credentials
    /// Every image and medium that the VM names, by its path.
    package var images: [FilePath: ImageFacts]
    /// The most memory that the kernel gives one process; nil: no certain limit.
    package var memoryLimit: ByteCount?
    /// Every bridge that the VM names and that exists, by its name.
    package var bridges: [InterfaceName: BridgeFacts]
    /// Every device that the VM's macvtaps are to sit on and that exists, by its name.
    package var lowerDevices: [InterfaceName: LowerDeviceFacts] = [:]
    /// What the devices are called that the VM names by an alternative name (ip-link(8), altname).
    package var names: [DeviceName: InterfaceName] = [:]
    /// Whether taps can be made; where the VM has none, it is not looked at.
    package var tun = DeviceCondition.usable
    /// What tells the params file from all others; nil where it was not looked at.
    package var ownFile: FilePlace?
    /// What QEMU makes of `CPU`, where the VM names one and QEMU could be asked.
    package var processor: ProcessorFacts?
    /// Whether QEMU's user may execute its binary.
    package var canExecuteQEMU = true
    /// The first port that a program without privileges may listen on (ip-sysctl.rst, ip_unprivileged_port_start).
    package var firstFreePort: UInt16 = 1024
    /// The host's RAM; nil where it is not known.
    package var hostMemory: ByteCount?
    /// Why host ports that the VM names can't be listened on, where that is so.
    package var ports: [HostPort: Errno]
    /// Who has the interface names that the VM names for its taps, in words, where they are taken.
    package var interfaces: [InterfaceName: String]
    /// The network `nat`, where the VM is on it.
    package var nat: NATFacts?
    /// The length in bytes of the VNC password, where the VM names a file with one that could be read.
    package var passwordLength: Int?
    /// Other VMs, as far as they were looked for.
    package var neighbours: Neighbourhood
    /// The limits of whoever starts it that QEMU can't be freed from.
    package var limits = StarterLimits()
    /// What of other VMs could not be looked at, and why.
    package var unseen: [VMError] = []
    /// What could not be found out, and has to be for a start.
    package var problems: [VMError]

    /// Collects facts; see the properties.
    package init(
        isRoot: Bool, isAssumed: Bool = false, machineID: String, qemu: QEMUFacts, kvm: KVMVerdict, ioUring: Bool,
        vhostNet: Bool,
        credentials: Credentials, images: [FilePath: ImageFacts] = [:], memoryLimit: ByteCount? = nil,
        bridges: [InterfaceName: BridgeFacts] = [:], ports: [HostPort: Errno] = [:],
        interfaces: [InterfaceName: String] = [:], nat: NATFacts? = nil, passwordLength: Int? = nil,
        neighbours: Neighbourhood = Neighbourhood(),
        problems: [VMError] = []
    ) {
        self.isRoot = isRoot
        self.isAssumed = isAssumed
        self.machineID = machineID
        self.qemu = qemu
        self.kvm = kvm
        self.ioUring = ioUring
        self.vhostNet = vhostNet
        self.credentials = credentials
        self.images = images
        self.memoryLimit = memoryLimit
        self.bridges = bridges
        self.ports = ports
        self.interfaces = interfaces
        self.nat = nat
        self.passwordLength = passwordLength
        self.neighbours = neighbours
        self.problems = problems
    }

    /// As if nothing were in use: for a VM that runs, and has what it needs itself.
    package mutating func forgetUse() {
        ports = ports.filter { $0.value != .addressInUse }
        interfaces = [:]
        for (path, image) in images {
            guard case .image(var image) = image else { continue }
            image.locks = []
            image.uses = []
            images[path] = .image(image)
        }
    }
}

/// What a QEMU binary is and can do.
package struct QEMUFacts: Equatable, Sendable {
    /// The binary's absolute path.
    package var path: String
    /// Its version, such as `7.2.22`.
    package var version: String
    /// Whether it was built with io_uring.
    package var ioUring: Bool
    /// The machine types that it has, by their names and aliases.
    package var machines: [String: MachineType]
    /// The keyboard maps that it finds; empty where that is not known.
    package var keymaps: [String]
    /// Whether it told all that; else it was not asked, because a look executes nothing that only a params file names.
    package var isAsked = true

    /// Describes a binary; see the properties.
    package init(path: String, version: String, ioUring: Bool, machines: [String: MachineType], keymaps: [String] = [])
    {
        self.path = path
        self.version = version
        self.ioUring = ioUring
        self.machines = machines
        self.keymaps = keymaps
    }
}

extension QEMUFacts {
    /// A binary that was not asked: the best is assumed.
    package init(unasked path: String) {
        self.init(path: path, version: "", ioUring: true, machines: [:])
        isAsked = false
    }
}

/// A machine type of a QEMU binary.
package struct MachineType: Equatable, Sendable {
    /// The versioned name, where this one is an alias, such as `q35`.
    package var versionedName: String?
    /// How many processors it takes at most; nil where that is not known.
    package var maximumCPUs: Int?
    /// Whether a later QEMU will not have it any more.
    package var isDeprecated: Bool

    /// Describes a machine type; see the properties.
    package init(versionedName: String? = nil, maximumCPUs: Int? = nil, isDeprecated: Bool = false) {
        self.versionedName = versionedName
        self.maximumCPUs = maximumCPUs
        self.isDeprecated = isDeprecated
    }
}

/// What QEMU makes of a processor that a VM names, on a machine of the VM's type.
package enum ProcessorFacts: Equatable, Sendable {
    /// It makes it, but for these features, which the accelerator does not have.
    case works(without: [String])
    /// It has no such model, but these.
    case unknownModel(among: [String])
    /// It does not make it, and says why.
    case refused(String)
}

/// Whether KVM can be used.
package enum KVMVerdict: Equatable, Sendable {
    /// Stock guests run.
    case works
    /// They don't, and why, in one clause.
    case unusable(String)
}

/// The user that QEMU runs as.
package enum Credentials: Equatable, Sendable {
    /// The caller, who has no privileges to give away.
    case caller
    /// A uid and gid of the VM's own, out of kvmctl's range, in these supplementary groups.
    case ownUID(groups: [UInt32])
    /// `RUNAS`.
    case user(String, uid: UInt32, gid: UInt32, groups: [UInt32])
}

/// A bridge that exists.
package struct BridgeFacts: Equatable, Sendable {
    /// What the device of that name is, if no bridge; or, where kvmctl would make it, not the one that kvmctl made.
    package var otherKind: String?
    /// Whether it is up.
    package var isUp: Bool
    /// Its MTU in bytes.
    package var mtu: Int
    /// How many ports it has; nil where they were not counted.
    package var ports: Int?
    /// Whether it keeps VLANs apart.
    package var isVLANAware: Bool
    /// Who else has a MAC of the VM's on it, as far as that is known.
    package var holders: [MACAddress: MACHolder] = [:]

    /// Describes a bridge; see the properties.
    package init(otherKind: String? = nil, isUp: Bool, mtu: Int, ports: Int? = nil, isVLANAware: Bool = false) {
        self.isVLANAware = isVLANAware
        self.otherKind = otherKind
        self.isUp = isUp
        self.mtu = mtu
        self.ports = ports
    }
}

/// Who has a MAC that a VM wants, in words: `the bridge br0`.
package enum MACHolder: Equatable, Sendable {
    /// The host itself, on that network: one of the two would not be reached.
    case host(String)
    /// Somebody else who may be on that network.
    case other(String)
}

/// A port of the host's.
package struct HostPort: Hashable, Sendable {
    /// The transport protocol.
    package var transport: PortForward.Transport
    /// The address to listen on, as the VM names it: a literal, or empty for every address.
    package var address: String
    /// The port's number.
    package var number: UInt16

    /// Names a port; see the properties.
    package init(_ transport: PortForward.Transport, _ address: String, _ number: UInt16) {
        self.transport = transport
        self.address = address
        self.number = number
    }

    /// As it is typed: `127.0.0.1:5900`, `[::1]:5900`.
    package var place: String { address.contains(":") ? "[\(address)]:\(number)" : "\(address):\(number)" }

    /// Whether both are the same socket of the host.
    func overlaps(_ other: HostPort) -> Bool {
        guard transport == other.transport, number == other.number else { return false }
        return address == other.address || isEverywhere || other.isEverywhere
    }

    /// Whether a connection from the host to itself may lead to it.
    package var includesLoopback: Bool { isEverywhere || IPAddress(address)?.isLoopback == true }

    /// Whether it is the port of every address.
    var isEverywhere: Bool { address.isEmpty || IPAddress(address)?.isUnspecified == true }
}

extension PortForward {
    /// The host's end.
    package var hostEnd: HostPort { HostPort(transport, address, hostPort) }
}
