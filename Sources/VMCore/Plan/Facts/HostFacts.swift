import BridgeNet
import SystemPackage

/// What a launch plan needs to know about the host: gathered once, before planning, so that planning itself is pure.
package struct HostFacts: Equatable, Sendable {
    /// Whether root starts it, who may create taps and run QEMU as another user.
    package var isRoot: Bool
    /// Whether a user plans for root: what only root can try is then assumed to work.
    package var isAssumed: Bool
    /// The account with whose rights the VM is started (`--trust-owner`), if that is not the caller.
    package var actsFor: String?
    /// Identifies this host: the content of machine-id(5), or empty.
    package var machineID: String
    /// The QEMU binary.
    package var qemu: QEMUFacts
    /// Whether KVM runs guests here.
    package var kvm: KVMVerdict
    /// Whether a process with QEMU's credentials gets an io_uring from this kernel.
    package var ioUring: Bool
    /// Whether /dev/vhost-net opens.
    package var vhostNet: Bool
    /// The user that QEMU will run as.
    package var credentials: Credentials
    /// Every image and medium that the VM names, by its path.
    package var images: [FilePath: ImageFacts]
    /// The VMs whose disks stand on an image that is not there, by its path.
    package var standing: [FilePath: StandingVMs] = [:]
    /// The most memory that the kernel gives one process; nil: no definite limit.
    package var memoryLimit: ByteCount?
    /// What serves shared directories, if the VM has some and the host has it.
    package var shareServer: ShareServer?
    /// Every bridge that the VM names and that exists, by its name.
    package var bridges: [InterfaceName: BridgeFacts]
    /// Every device that the VM's macvtaps are to sit on and that exists, by its name.
    package var lowerDevices: [InterfaceName: LowerDeviceFacts] = [:]
    /// The interface names of devices that the VM names by an alternative name (ip-link(8), altname).
    package var names: [DeviceName: InterfaceName] = [:]
    /// Whether taps can be created; not checked if the VM has none.
    package var tun = DeviceCondition.usable
    /// Identifies the params file; nil if it was not looked at.
    package var ownFile: FilePlace?
    /// QEMU's verdict on `CPU`, if the VM names one and QEMU could be asked.
    package var processor: ProcessorFacts?
    /// Whether QEMU's user may execute its binary.
    package var canExecuteQEMU = true
    /// The first port that a program without privileges may listen on (ip-sysctl.rst, ip_unprivileged_port_start).
    package var firstFreePort: UInt16 = 1024
    /// The host's RAM; nil if it is not known.
    package var hostMemory: ByteCount?
    /// The host's CPUs, if the VM names some.
    package var cpus: HostCPUs?
    /// The host's huge pages, if the VM wants some.
    package var hugePages = HugePagePools()
    /// The host ports that the VM names but can't listen on, with the reasons.
    package var ports: [HostPort: Errno]
    /// The interface names that the VM wants for its taps but that are taken, with their owners in words.
    package var interfaces: [InterfaceName: String]
    /// The network `nat`, if the VM is on it.
    package var nat: NATFacts?
    /// The length in bytes of the VNC password, if the VM names a file with one and it could be read.
    package var passwordLength: Int?
    /// What is in the files for cloud-init that could be read.
    package var seedFiles: [FilePath: [UInt8]] = [:]
    /// Other VMs, as far as they were looked for.
    package var otherVMs: OtherVMs
    /// The directories that it shares for writing and that any account may enter.
    package var openShares: [FilePath] = []
    /// For directories that it shares for writing: something in there that decides what root does.
    package var controlInShares: [FilePath: FilePath] = [:]
    /// Whether all that are defined are among them.
    package var knowsAllVMs = false
    /// The VM's suspension; nil if it is not suspended.
    package var saved: Suspension?
    /// The limits of the process that starts it, as far as they can't be raised for QEMU.
    package var limits = StarterLimits()
    /// What could not be looked at in the search for other VMs, and why.
    package var unseen: [VMError] = []
    /// What a start needs to know but could not be found out.
    package var problems: [VMError]

    /// Collects facts; see the properties.
    package init(
        isRoot: Bool, isAssumed: Bool = false, machineID: String, qemu: QEMUFacts, kvm: KVMVerdict, ioUring: Bool,
        vhostNet: Bool,
        credentials: Credentials, images: [FilePath: ImageFacts] = [:], memoryLimit: ByteCount? = nil,
        bridges: [InterfaceName: BridgeFacts] = [:], ports: [HostPort: Errno] = [:],
        interfaces: [InterfaceName: String] = [:], nat: NATFacts? = nil, passwordLength: Int? = nil,
        otherVMs: OtherVMs = OtherVMs(),
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
        self.otherVMs = otherVMs
        self.problems = problems
    }

    /// Forgets what only keeps images from being written to: nothing writes to those of a template.
    package mutating func forgetWriting() {
        for (path, image) in images {
            guard case .image(var image) = image else { continue }
            image.locks = image.locks.filter { $0.excludes(writable: false) }
            image.uses.removeAll { !$0.excludes(writable: false) }
            image.writeFailure = nil
            images[path] = .image(image)
        }
    }

    /// Forgets what is in use: for a running VM, which uses it itself.
    package mutating func forgetUse() {
        ports = ports.filter { $0.value != .addressInUse }
        interfaces = [:]
        for size in hugePages.pools.keys { hugePages.pools[size]?.available = .max }
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
    /// The keyboard maps that it finds; empty if they are not known.
    package var keymaps: [String]
    /// The devices that it lacks, of those that not every QEMU has.
    package var missingDevices: Set<OptionalDevice> = []
    /// Whether it was asked. Looking at a VM executes nothing that only a params file names.
    package var isAsked = true

    /// Describes a binary; see the properties.
    package init(
        path: String, version: String, ioUring: Bool, machines: [String: MachineType], keymaps: [String] = []
    ) {
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
    /// The versioned name, if this one is an alias, such as `q35`.
    package var versionedName: String?
    /// How many processors it supports at most; nil if that is not known.
    package var maximumCPUs: Int?
    /// Whether a later QEMU will no longer have it.
    package var isDeprecated: Bool

    /// Describes a machine type; see the properties.
    package init(versionedName: String? = nil, maximumCPUs: Int? = nil, isDeprecated: Bool = false) {
        self.versionedName = versionedName
        self.maximumCPUs = maximumCPUs
        self.isDeprecated = isDeprecated
    }
}

/// The user that QEMU runs as.
package enum Credentials: Equatable, Sendable {
    /// The caller, who has no privileges to drop.
    case caller
    /// A uid and gid for this VM alone, from kvmctl's range, with these supplementary groups.
    case ownUID(groups: [UInt32])
    /// `RUNAS`.
    case user(String, uid: UInt32, gid: UInt32, groups: [UInt32])
}

/// A bridge that exists.
package struct BridgeFacts: Equatable, Sendable {
    /// What the device with that name is, if it is not a bridge; or, for a bridge that kvmctl makes, not that bridge.
    package var otherKind: String?
    /// Whether it is up.
    package var isUp: Bool
    /// Its MTU in bytes.
    package var mtu: Int
    /// How many ports it has; nil if they were not counted.
    package var ports: Int?
    /// Whether it separates VLANs.
    package var isVLANAware: Bool
    /// Who else on it has a MAC of the VM, as far as that is known.
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
    /// The host itself, on that network: one of the two could not be reached.
    case host(String)
    /// Somebody else who may be on that network.
    case other(String)
}

/// A host port.
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

    /// Whether both would be the same socket on the host.
    package func overlaps(_ other: HostPort) -> Bool {
        guard transport == other.transport, number == other.number else { return false }
        return address == other.address || isEverywhere || other.isEverywhere
    }

    /// Whether a connection from the host to itself may reach it.
    package var includesLoopback: Bool { isEverywhere || IPAddress(address)?.isLoopback == true }

    /// Whether it listens on every address.
    var isEverywhere: Bool { address.isEmpty || IPAddress(address)?.isUnspecified == true }
}

extension PortForward {
    /// The host's end.
    package var hostEnd: HostPort { HostPort(transport, address, hostPort) }
}
