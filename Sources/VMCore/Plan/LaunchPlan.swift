import BridgeNet
import FoundationEssentials
import SystemPackage

/// Everything that a start will do, computed before any of it is done.
package struct LaunchPlan: Equatable, Sendable {
    /// The VM's name.
    package var name: VMName
    /// Its UUID.
    package var uuid: UUID
    /// The params file.
    package var file: FilePath
    /// The QEMU binary.
    package var executable: String
    /// Its arguments, in order, each group with where it comes from.
    package var arguments: [ArgumentGroup]
    /// The descriptors that QEMU inherits; nothing else stays open.
    package var descriptors: [Descriptor]
    /// Which files were looked at for the plan, by the paths that it names.
    package var identities: [FilePath: FileIdentity] = [:]
    /// Disks to be created before the start.
    package var newDisks: [SparseDisk]
    /// Taps to be made, in the order of the NICs.
    package var taps: [PlannedTap]
    /// Macvtap links to be made, in the order of the NICs.
    package var macvtaps: [PlannedMacvtap] = []
    /// What holds for the frames of some NICs.
    package var policies: [PortPolicy] = []
    /// What the VM has on `nat`; nil where it is not on it.
    package var nat: NATMember?
    /// Who QEMU will be.
    package var credentials: Credentials
    /// What the recording monitor reads as its input: carried out by QEMU itself as soon as the machine exists.
    package var monitorInput: [QMPCommand]
    /// What is said over QMP once the machine exists: `cont`, which commits the start, is the last.
    package var commit: [QMPCommand]
    /// What `list` and `show` say of the running VM without asking it.
    package var summary: Summary
    /// One line each on what the user should know: a fall-back that was taken, a value that was derived.
    package var notices: [String]

    /// The argument vector, without the program's name.
    package var argumentVector: [String] { arguments.flatMap(\.words) }

    /// The values that the file leaves to kvmctl, a line each.
    package var derivedValues: [String]

    /// A disk image to be made: sparse, raw.
    package struct SparseDisk: Equatable, Sendable {
        /// Where, absolute.
        package var path: FilePath
        /// How large.
        package var size: ByteCount
    }

    /// A running VM in a line.
    package struct Summary: Equatable, Sendable {
        /// `MEMORY`.
        package var memory: ByteCount
        /// `CPUS`.
        package var cpus: Int
        /// What was asked for; the number that `auto` came to is known only once QEMU listens.
        package var vncDisplay: VNCDisplay
        /// Where VNC listens.
        package var vncBind: String
        /// Whether it asks for a password.
        package var vncHasPassword = false
        /// The NICs.
        package var nics: [NIC]
        /// The host's ports that lead into the guest.
        package var forwards: [PortForward]
        /// `kvm` or `tcg`.
        package var accelerator: String
        /// The disks and CDs, by their paths.
        package var media: [FilePath]

        /// A NIC in a line.
        package struct NIC: Equatable, Sendable {
            /// The n of `NETn`.
            package var index: Int
            /// Its address.
            package var mac: MACAddress
            /// What it is connected to.
            package var network: Network
            /// Where its address comes from, for messages.
            package var place: String
            /// What else it was told.
            package var settings: NICSettings
        }
    }
}

/// Some words of QEMU's command line that belong together, such as `-m` and its value.
package struct ArgumentGroup: Equatable, Sendable {
    /// A part of it.
    package enum Argument: Equatable, Sendable {
        /// What can be said at start only.
        case words([String])
        /// A part of the machine that could be plugged too.
        case component(Component)
    }

    /// What the words are made from.
    package var arguments: [Argument]
    /// What they are for, in a few words.
    package var purpose: String
    /// Where they come from.
    package var origins: [Origin]

    /// The words.
    package var words: [String] {
        arguments.flatMap { argument in
            switch argument {
            case .words(let words): words
            case .component(let component): component.words
            }
        }
    }
}

/// A descriptor that QEMU inherits.
package struct Descriptor: Equatable, Sendable {
    /// Its number in QEMU.
    package var number: CInt
    /// What it is.
    package var role: Role

    /// What a descriptor is, and so how it is opened.
    package enum Role: Equatable, Sendable {
        /// The recording monitor's input: a file that holds `monitorInput`.
        case monitorInput
        /// The flight record, append-only.
        case record
        /// What QEMU prints: the VM's QEMU log, or with `start --foreground` the caller's stderr, if that is a pipe or the journal.
        case messages
        /// The VM's lock file, its life byte locked.
        case lock
        /// The file of uids in use, this VM's locked.
        case uidLock
        /// The listening QMP socket.
        case monitorSocket
        /// The listening socket of the serial console.
        case serialSocket
        /// The listening socket of the guest agent's channel.
        case agentSocket
        /// The log of the serial console, append-only.
        case consoleLog
        /// An image or block device. `direct`: with O_DIRECT, as QEMU will ask for it (since 9.1 it takes no descriptor of an
        /// fdset that differs in that).
        case image(FilePath, writable: Bool, direct: Bool = false)
        /// The hold on the macvtap link of the NIC with this n.
        case macvtap(nic: Int)
        /// The hold on the rules for what the VM's NICs send and get.
        case portRules
        /// The hold on the VM's taps, which are removed when it ends, also if another process has them open.
        case taps
        /// A queue of the tap or macvtap of the NIC with this n.
        case tap(nic: Int, queue: Int)
        /// /dev/vhost-net, for that queue.
        case vhost(nic: Int, queue: Int)
        /// The hold on an isolated network.
        case isolated(NetworkName)
        /// The hold on the network `nat`.
        case natNetwork
        /// The hold on what the VM has there: its addresses, its name, its forwards.
        case natLease
        /// A port of the host's that leads to the guest: bound, so that nobody else takes it.
        case hostPort(HostPort)
        /// A file that QEMU opens by the descriptor's name in /proc, so that its user must be able to read it.
        case blob(FilePath)
        /// A password, without the line end that editors leave.
        case secret(FilePath)
        /// A password that is made for this start.
        case madeSecret
    }
}

/// The reasons that there is no plan: all of them at once.
package struct PlanRefusal: Error, Equatable, Sendable {
    /// At least one.
    package var problems: [VMError]
}
