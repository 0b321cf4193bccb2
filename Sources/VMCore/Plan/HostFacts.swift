public import BridgeNet
public import SystemPackage

/// What a launch plan has to know of the host: asked once, before planning, so that planning itself is pure.
public struct HostFacts: Equatable, Sendable {
    /// Whether the caller is root: may make taps and give QEMU a user of its own.
    public var isRoot: Bool
    /// Something that tells this host from others: the content of machine-id(5), or empty.
    public var machineID: String
    /// The QEMU binary.
    public var qemu: QEMUFacts
    /// Whether KVM runs guests here.
    public var kvm: KVMVerdict
    /// Whether a process with QEMU's credentials gets an io_uring from this kernel.
    public var ioUring: Bool
    /// Whether /dev/vhost-net opens.
    public var vhostNet: Bool
    /// Who QEMU will be.
    public var credentials: Credentials
    /// Every image and medium that the VM names, by its path.
    public var images: [FilePath: ImageFacts]
    /// Every bridge that the VM names and that exists, by its name.
    public var bridges: [InterfaceName: BridgeFacts]
    /// The TCP ports that the VM names and that something listens on already.
    public var takenPorts: Set<Int>

    /// Collects facts; see the properties.
    public init(
        isRoot: Bool, machineID: String, qemu: QEMUFacts, kvm: KVMVerdict, ioUring: Bool, vhostNet: Bool,
        credentials: Credentials, images: [FilePath: ImageFacts] = [:], bridges: [InterfaceName: BridgeFacts] = [:],
        takenPorts: Set<Int> = []
    ) {
        self.isRoot = isRoot
        self.machineID = machineID
        self.qemu = qemu
        self.kvm = kvm
        self.ioUring = ioUring
        self.vhostNet = vhostNet
        self.credentials = credentials
        self.images = images
        self.bridges = bridges
        self.takenPorts = takenPorts
    }
}

/// What a QEMU binary is and can do.
public struct QEMUFacts: Equatable, Sendable, Codable {
    /// The binary's absolute path.
    public var path: String
    /// Its version, such as `7.2.22`.
    public var version: String
    /// Whether it was built with io_uring.
    public var ioUring: Bool
    /// The machine types that it has; for an alias (`q35`) the versioned name, else nil.
    public var machines: [String: String?]

    /// Describes a binary; see the properties.
    public init(path: String, version: String, ioUring: Bool, machines: [String: String?]) {
        self.path = path
        self.version = version
        self.ioUring = ioUring
        self.machines = machines
    }
}

/// Whether KVM can be used.
public enum KVMVerdict: Equatable, Sendable {
    /// Stock guests run.
    case works
    /// They don't, and why, in one clause.
    case unusable(String)
}

/// The user that QEMU runs as.
public enum Credentials: Equatable, Sendable {
    /// The caller, who has no privileges to give away.
    case caller
    /// A uid and gid of the VM's own, out of kvmctl's range, in these supplementary groups.
    case ownUID(groups: [UInt32])
    /// `RUNAS`.
    case user(String, uid: UInt32, gid: UInt32, groups: [UInt32])
}

/// What is at an image's path.
public enum ImageFacts: Equatable, Sendable {
    /// Nothing. `directIO`: whether a file made there could be opened with O_DIRECT.
    case missing(directIO: Bool)
    /// Not even the directory.
    case directoryMissing
    /// A regular file.
    case file(FileFacts)
    /// A block device, of so many bytes.
    case blockDevice(bytes: Int64)
    /// Neither.
    case unusable(String)

    /// What is known of a regular file.
    public struct FileFacts: Equatable, Sendable {
        /// Its apparent size in bytes.
        public var bytes: Int64
        /// What its first bytes look like.
        public var content: ImageContent
        /// Whether it opens with O_DIRECT.
        public var directIO: Bool

        /// Describes a file; see the properties.
        public init(bytes: Int64, content: ImageContent, directIO: Bool) {
            self.bytes = bytes
            self.content = content
            self.directIO = directIO
        }
    }
}

/// A bridge that exists.
public struct BridgeFacts: Equatable, Sendable {
    /// Whether the device of that name is a bridge at all, or else its kind.
    public var otherKind: String?
    /// Whether it is up.
    public var isUp: Bool
    /// Its MTU in bytes.
    public var mtu: Int

    /// Describes a bridge; see the properties.
    public init(otherKind: String? = nil, isUp: Bool, mtu: Int) {
        self.otherKind = otherKind
        self.isUp = isUp
        self.mtu = mtu
    }
}
