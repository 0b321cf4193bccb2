import BridgeNet
import SystemPackage

/// The decoded content of a vm.params file: every value in range, every path absolute, every default filled in except
/// those that depend on the host.
package struct VMParams: Equatable, Sendable {
    /// The file itself, absolute.
    package var file: FilePath
    /// The file in which the lines are, if that is another VM's: of a VM that exists for one run.
    package var model: FilePath?
    /// `NAME`.
    package var name: Setting<VMName>
    /// `UUID`; nil: derived from the host and the file's path.
    package var uuid: Setting<UUID>?
    /// `DESCRIPTION`: for people.
    package var description: Setting<String>?
    /// `TAGS`: different words, in the file's order.
    package var tags: Setting<[String]>?
    /// `PROTECT`.
    package var protect: Setting<Bool>
    /// `TEMPLATE`: whether it is never started, and VMs are made of it.
    package var template: Setting<Bool>
    /// `INCLUDE`: the file that this one includes, absolute.
    package var include: Setting<FilePath>?
    /// `MEMORY`.
    package var memory: Setting<ByteCount>
    /// `CPUS`.
    package var cpus: Setting<Int>
    /// `CPU`; nil: the accelerator's default.
    package var cpu: Setting<String>?
    /// `MACHINE`.
    package var machine: Setting<MachineModel>
    /// `ACCEL`.
    package var accel: Setting<AccelChoice>
    /// `BOOT`, first choice first, each device class at most once.
    package var boot: Setting<[BootDevice]>
    /// `KERNEL` and what goes with it.
    package var kernel: DirectKernel?
    /// `DISKn`, ascending.
    package var disks: [Disk]
    /// `CDROMn`, ascending.
    package var cdroms: [CDROM]
    /// `NETn`, ascending; always holds NET0 unless that is `none`.
    package var nics: [NIC]
    /// `FORWARDn`, ascending; all lead to `forwardNIC`.
    package var forwards: [Setting<PortForward>]
    /// `VNCDISP` and what goes with it.
    package var vnc: VNC
    /// `SHAREn`, ascending, each with another tag.
    package var shares: [Share]
    /// `CLOUDINIT_USERDATA` and its like; nil: the guest gets no seed.
    package var cloudInit: CloudInit?
    /// `RUNAS`: a user, or `user:group`; nil: a separate uid for this VM.
    package var runAs: Setting<String>?
    /// `AUTOSTART` and what goes with it.
    package var service: ServiceParams
    /// `CONSOLE_LOG`.
    package var consoleLog: Setting<ByteCount>
    /// `HUGEPAGES`.
    package var hugePages: Setting<HugePages>
    /// `CPUSET`, not empty; nil: all that this host has.
    package var cpuSet: Setting<CPUSet>?
    /// `RTC`.
    package var rtc: Setting<RTCBase>
    /// `KEYMAP`: a QEMU keyboard map's name; nil: QEMU's own.
    package var keymap: Setting<String>?
    /// `VIDEO`.
    package var video: Setting<VideoModel>
    /// `SOUND`.
    package var sound: Setting<Bool>
    /// `QEMU`: an absolute path, or a bare command name to be looked up in PATH; nil: qemu-system-x86_64.
    package var qemu: Setting<String>?
    /// `QEMUARGn`, ascending: one argument each, verbatim.
    package var qemuArguments: [Setting<String>]
    /// What the file itself says.
    package var given = GivenKeys()

    /// `DISKn`.
    package struct Disk: Equatable, Sendable {
        /// The n of `DISKn`, 0…25.
        package var index: Int
        /// The image or block device, absolute.
        package var path: Setting<FilePath>
        /// `_SIZE`: create it sparse with this size if it is missing.
        package var size: Setting<ByteCount>?
        /// `_FORMAT`; nil: raw, provided that its content does not look like another format.
        package var format: Setting<DiskFormat>?
        /// `_BACKING`: the image that it is an overlay of, then what each of these stands on, absolute; empty: it is no overlay.
        /// Only with the format qcow2.
        package var backing: [Setting<FilePath>]
        /// `_READONLY`.
        package var readOnly: Setting<Bool>
        /// `_SERIAL`: at most 20 printable ASCII bytes (virtio's VIRTIO_BLK_ID_BYTES).
        package var serial: Setting<String>?
        /// `_IOPS`: operations per second, at least 1.
        package var iops: Setting<Int>?
        /// `_BPS`: bytes per second, at least 1.
        package var bps: Setting<ByteCount>?
        /// `_CACHE`; nil: `none` if the file system supports it, else `writeback`.
        package var cache: Setting<CacheMode>?
        /// `_BUS`.
        package var bus: Setting<DiskBus>
    }

    /// `CDROMn`.
    package struct CDROM: Equatable, Sendable {
        /// The n of `CDROMn`.
        package var index: Int
        /// The ISO, absolute; nil: the drive is empty.
        package var path: Setting<FilePath?>
    }

    /// `NETn`.
    package struct NIC: Equatable, Sendable {
        /// The n of `NETn`, 0…7.
        package var index: Int
        /// What the NIC is connected to.
        package var network: Setting<Network>
        /// `_MAC`; nil: derived from the VM's UUID and n.
        package var mac: Setting<MACAddress>?
        /// `_TAP`: the name of the tap or macvtap; nil: the first free `tapN` or `macvtapN`.
        package var tap: Setting<InterfaceName>?
        /// `_MTU`, 68…65535; nil: the bridge's.
        package var mtu: Setting<Int>?
        /// `_VLAN`; nil: the bridge's default.
        package var vlans: Setting<PortVLANs>?
        /// `_QUEUES`, 1…16 pairs; nil: one.
        package var queues: Setting<Int>?
        /// `_RATE`, in each direction; nil: no limit.
        package var rate: Setting<BitRate>?
        /// `_FILTER`; nil: none.
        package var filter: Setting<SourceFilter>?
        /// `_MODEL`.
        package var model: Setting<NICModel>
    }

    /// `SHAREn`.
    package struct Share: Equatable, Sendable {
        /// The n of `SHAREn`, 0…31.
        package var index: Int
        /// The directory.
        package var directory: Setting<SharedDirectory>
    }

    /// `KERNEL`, `INITRD`, `APPEND`.
    package struct DirectKernel: Equatable, Sendable {
        /// `KERNEL`, absolute.
        package var image: Setting<FilePath>
        /// `INITRD`, absolute.
        package var initrd: Setting<FilePath>?
        /// `APPEND`.
        package var commandLine: Setting<String>?
    }

    /// `VNCDISP`, `VNCBIND`, `VNCPASSWORD_FILE`.
    package struct VNC: Equatable, Sendable {
        /// `VNCDISP`.
        package var display: Setting<VNCDisplay>
        /// `VNCBIND`: an IPv4 or IPv6 literal, without brackets.
        package var bind: Setting<String>
        /// `VNCPASSWORD_FILE`, absolute.
        package var passwordFile: Setting<FilePath>?
    }
}

extension VMParams {
    /// The file in which the lines are.
    package var written: FilePath { model ?? file }

    /// The NIC that `FORWARDn` leads to: the first that supports them, because one host port can't lead to two.
    package var forwardNIC: NIC? { nics.first(where: \.network.value.takesForwards) }
}

/// `NAME`: 1 to 64 bytes of letters, digits, `.`, `_` and `-`, neither `.` nor `..`, not beginning with `-`.
package struct VMName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name in bytes.
    package static let maximumLength = 64
    /// The name itself.
    package let description: String

    /// Nil if the text is not a valid name.
    package init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard (1...Self.maximumLength).contains(bytes.count), text != ".", text != "..", !text.hasPrefix("-") else {
            return nil
        }
        guard text.isPlain(and: "._-") else { return nil }
        self.description = String(text)
    }
}

/// `MACHINE`: a QEMU machine type of one of the two supported families.
package struct MachineModel: Hashable, Sendable, CustomStringConvertible {
    /// The chipset family, which decides the layout of the buses.
    package enum Family: Sendable {
        /// Intel Q35 and ICH9: PCI Express, AHCI.
        case q35
        /// Intel i440FX and PIIX3: PCI, IDE.
        case pc
    }

    /// The default: QEMU's latest version of Q35.
    package static let q35 = MachineModel(description: "q35", family: .q35)

    /// QEMU's own default: its latest version of the i440FX board.
    package static let pc = MachineModel(description: "pc", family: .pc)

    /// The name as QEMU knows it: `q35`, `pc`, `pc-q35-7.2`, `pc-i440fx-7.2`.
    package let description: String
    /// The family that the name belongs to.
    package let family: Family

    private init(description: String, family: Family) {
        self.description = description
        self.family = family
    }

    /// Nil if the text does not name a machine of either family.
    package init?(_ name: some StringProtocol) {
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
package enum AccelChoice: String, CaseIterable, Sendable {
    case auto, kvm, tcg
}

/// A word of `BOOT`.
package enum BootDevice: String, CaseIterable, Sendable {
    case disk, cdrom, net
}

/// `DISKn_FORMAT`: the formats that kvmctl opens, by QEMU's names.
package enum DiskFormat: String, CaseIterable, Sendable {
    case raw, qcow2
}

/// `DISKn_CACHE`: QEMU's cache modes (qemu-system-x86_64(1), `-drive cache=`).
package enum CacheMode: String, CaseIterable, Sendable {
    case none, writeback, writethrough, directsync, unsafe
}

/// `VNCDISP`.
package enum VNCDisplay: Hashable, Sendable {
    /// Display N; see `VNCPort` for its port.
    case number(Int)
    /// The first display that is free.
    case auto
    /// No VNC server.
    case none
}

extension VNCDisplay: CustomStringConvertible {
    /// As in vm.params.
    package var description: String {
        switch self {
        case .none: "none"
        case .auto: "auto"
        case .number(let number): String(number)
        }
    }
}

/// `RTC`: the guest's clock at start.
package enum RTCBase: String, CaseIterable, Sendable {
    case utc, localtime
}

/// `FORWARDn`, such as `tcp:127.0.0.1:2222:22`.
package struct PortForward: Hashable, Sendable, CustomStringConvertible {
    /// The transport protocol.
    package enum Transport: String, CaseIterable, Sendable {
        case tcp, udp
    }

    /// The transport protocol.
    package var transport: Transport
    /// The host's address to listen on, a literal without brackets; empty: every address.
    package var address: String
    /// The host's port.
    package var hostPort: UInt16
    /// The guest's port.
    package var guestPort: UInt16

    /// `PROTO:ADDRESS:HOSTPORT:GUESTPORT`, as in the params file.
    package var description: String {
        let host = address.contains(":") ? "[\(address)]" : address
        return "\(transport.rawValue):\(host):\(hostPort):\(guestPort)"
    }
}
