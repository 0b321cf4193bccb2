public import BridgeNet
public import FoundationEssentials
public import SystemPackage

/// What a vm.params file says, decoded: every value in range, every path absolute, every default filled in but for
/// those that depend on the host.
public struct VMParams: Equatable, Sendable {
    /// The file itself, absolute.
    public var file: FilePath
    /// `NAME`.
    public var name: Setting<VMName>
    /// `UUID`; nil where it is to be derived from the host and the file's path.
    public var uuid: Setting<UUID>?
    /// `MEMORY`.
    public var memory: Setting<ByteCount>
    /// `CPUS`.
    public var cpus: Setting<Int>
    /// `CPU`; nil: the accelerator's default.
    public var cpu: Setting<String>?
    /// `MACHINE`.
    public var machine: Setting<Machine>
    /// `ACCEL`.
    public var accel: Setting<AccelChoice>
    /// `BOOT`, first choice first, each device class at most once.
    public var boot: Setting<[BootDevice]>
    /// `KERNEL` and what goes with it.
    public var kernel: DirectKernel?
    /// `DISKn`, ascending.
    public var disks: [Disk]
    /// `CDROMn`, ascending.
    public var cdroms: [CDROM]
    /// `NETn`, ascending; always holds NET0 unless that is `none`.
    public var nics: [NIC]
    /// `FORWARDn`, ascending; all lead to `forwardNIC`.
    public var forwards: [Setting<PortForward>]
    /// `VNCDISP` and what goes with it.
    public var vnc: VNC
    /// `RUNAS`: a user, or `user:group`; nil: a uid of the VM's own.
    public var runAs: Setting<String>?
    /// `RTC`.
    public var rtc: Setting<RTCBase>
    /// `KEYMAP`: a QEMU keyboard map's name; nil: QEMU's own.
    public var keymap: Setting<String>?
    /// `QEMU`: an absolute path, or a bare command name to be looked up in PATH; nil: qemu-system-x86_64.
    public var qemu: Setting<String>?
    /// `QEMUARGn`, ascending: one argument each, verbatim.
    public var qemuArguments: [Setting<String>]

    /// `DISKn`.
    public struct Disk: Equatable, Sendable {
        /// The n of `DISKn`, 0…25.
        public var index: Int
        /// The image or block device, absolute.
        public var path: Setting<FilePath>
        /// `_SIZE`: create it sparse with this size when missing.
        public var size: Setting<ByteCount>?
        /// `_FORMAT`; nil: raw, provided that its content looks like nothing else.
        public var format: Setting<DiskFormat>?
        /// `_READONLY`.
        public var readOnly: Setting<Bool>
        /// `_SERIAL`: at most 20 printable ASCII bytes (virtio's VIRTIO_BLK_ID_BYTES).
        public var serial: Setting<String>?
        /// `_IOPS`: operations a second, at least 1.
        public var iops: Setting<Int>?
        /// `_BPS`: bytes a second, at least 1.
        public var bps: Setting<ByteCount>?
        /// `_CACHE`; nil: `none` where the file system can, else `writeback`.
        public var cache: Setting<CacheMode>?
    }

    /// `CDROMn`.
    public struct CDROM: Equatable, Sendable {
        /// The n of `CDROMn`.
        public var index: Int
        /// The ISO, absolute.
        public var path: Setting<FilePath>
    }

    /// `NETn`.
    public struct NIC: Equatable, Sendable {
        /// The n of `NETn`, 0…7.
        public var index: Int
        /// What the NIC is connected to.
        public var network: Setting<Network>
        /// `_MAC`; nil: derived from the VM's UUID and n.
        public var mac: Setting<MACAddress>?
        /// `_TAP`: the name of the tap or macvtap; nil: the first free `tapN` or `macvtapN`.
        public var tap: Setting<InterfaceName>?
        /// `_MTU`, 68…65535; nil: the bridge's.
        public var mtu: Setting<Int>?
        /// `_VLAN`; nil: the bridge's default.
        public var vlans: Setting<PortVLANs>?
        /// `_QUEUES`, 1…16 pairs; nil: one.
        public var queues: Setting<Int>?
        /// `_RATE`, in each direction; nil: no limit.
        public var rate: Setting<BitRate>?
        /// `_FILTER`; nil: none.
        public var filter: Setting<SourceFilter>?
    }

    /// `KERNEL`, `INITRD`, `APPEND`.
    public struct DirectKernel: Equatable, Sendable {
        /// `KERNEL`, absolute.
        public var image: Setting<FilePath>
        /// `INITRD`, absolute.
        public var initrd: Setting<FilePath>?
        /// `APPEND`.
        public var commandLine: Setting<String>?
    }

    /// `VNCDISP`, `VNCBIND`, `VNCPASSWORD_FILE`.
    public struct VNC: Equatable, Sendable {
        /// `VNCDISP`.
        public var display: Setting<VNCDisplay>
        /// `VNCBIND`: an IPv4 or IPv6 literal, without brackets.
        public var bind: Setting<String>
        /// `VNCPASSWORD_FILE`, absolute.
        public var passwordFile: Setting<FilePath>?
    }
}

extension VMParams {
    /// The NIC that `FORWARDn` leads to: the first that can have them, for one host port can't lead to two.
    public var forwardNIC: NIC? { nics.first(where: \.network.value.takesForwards) }
}

/// `NAME`: 1 to 64 bytes of letters, digits, `.`, `_` and `-`, neither `.` nor `..`, not beginning with `-`.
public struct VMName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name in bytes.
    public static let maximumLength = 64
    /// The name itself.
    public let description: String

    /// Takes a valid name; anything else is nil.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard (1...Self.maximumLength).contains(bytes.count), text != ".", text != "..", !text.hasPrefix("-") else {
            return nil
        }
        let letters = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard letters else { return nil }
        self.description = String(text)
    }
}

/// `MACHINE`: a QEMU machine type of one of the two supported families.
public struct Machine: Hashable, Sendable, CustomStringConvertible {
    /// The chipset family, which decides the layout of the buses.
    public enum Family: Sendable {
        /// Intel Q35 and ICH9: PCI Express, AHCI.
        case q35
        /// Intel i440FX and PIIX3: PCI, IDE.
        case pc
    }

    /// The default: whichever version of Q35 is QEMU's latest.
    public static let q35 = Machine(description: "q35", family: .q35)

    /// The name as QEMU knows it: `q35`, `pc`, `pc-q35-7.2`, `pc-i440fx-7.2`.
    public let description: String
    /// The family that the name says.
    public let family: Family

    private init(description: String, family: Family) {
        self.description = description
        self.family = family
    }

    /// Takes the name of a machine of either family; anything else is nil.
    public init?(_ name: some StringProtocol) {
        if name == "q35" || name.hasPrefix("pc-q35-") {
            family = .q35
        } else if name == "pc" || name.hasPrefix("pc-i440fx-") {
            family = .pc
        } else {
            return nil
        }
        description = String(name)
    }
}

/// `ACCEL`.
public enum AccelChoice: String, CaseIterable, Sendable {
    case auto, kvm, tcg
}

/// A word of `BOOT`.
public enum BootDevice: String, CaseIterable, Sendable {
    case disk, cdrom, net
}

/// `DISKn_FORMAT`: the formats that kvmctl opens, by QEMU's names.
public enum DiskFormat: String, CaseIterable, Sendable {
    case raw, qcow2
}

/// `DISKn_CACHE`: QEMU's cache modes (qemu-system-x86_64(1), `-drive cache=`).
public enum CacheMode: String, CaseIterable, Sendable {
    case none, writeback, writethrough, directsync, unsafe
}

/// `VNCDISP`.
public enum VNCDisplay: Hashable, Sendable {
    /// Display N: TCP port 5900+N.
    case number(Int)
    /// The first display that is free.
    case auto
    /// No VNC server.
    case none
}

extension VNCDisplay: CustomStringConvertible {
    /// As in vm.params.
    public var description: String {
        switch self {
        case .none: "none"
        case .auto: "auto"
        case .number(let number): String(number)
        }
    }
}

/// `RTC`: what the guest's clock holds at start.
public enum RTCBase: String, CaseIterable, Sendable {
    case utc, localtime
}

/// `FORWARDn`, such as `tcp:127.0.0.1:2222:22`.
public struct PortForward: Hashable, Sendable, CustomStringConvertible {
    /// The transport protocol.
    public enum Transport: String, CaseIterable, Sendable {
        case tcp, udp
    }

    /// The transport protocol.
    public var transport: Transport
    /// The host's address to listen on, a literal without brackets; empty: every address.
    public var address: String
    /// The host's port.
    public var hostPort: UInt16
    /// The guest's port.
    public var guestPort: UInt16

    /// `PROTO:ADDRESS:HOSTPORT:GUESTPORT`, as in the params file.
    public var description: String {
        let host = address.contains(":") ? "[\(address)]" : address
        return "\(transport.rawValue):\(host):\(hostPort):\(guestPort)"
    }
}
