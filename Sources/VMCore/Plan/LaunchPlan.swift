import BridgeNet
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
    /// QEMU's version; empty: it was not asked.
    package var qemuVersion = ""
    /// The machine type, by its versioned name as far as that is known.
    package var machineType = ""
    /// An ISO for this start, and whether the machine boots it.
    package var cdrom: ISO?
    /// Its arguments, in order, each group with its origin.
    package var arguments: [ArgumentGroup]
    /// The descriptors that QEMU inherits; nothing else stays open.
    package var descriptors: [Descriptor]
    /// The files that were looked at for the plan, by their paths in it.
    package var identities: [FilePath: FileIdentity] = [:]
    /// Disks to be created before the start.
    package var newDisks: [SparseDisk]
    /// Taps to be created, in the order of the NICs.
    package var taps: [PlannedTap]
    /// Macvtap links to be created, in the order of the NICs.
    package var macvtaps: [PlannedMacvtap] = []
    /// Limits and filters for the frames of some NICs.
    package var policies: [PortPolicy] = []
    /// What the VM has on `nat`; nil if it is not on it.
    package var nat: NATMember?
    /// The directories that are shared with the guest.
    package var shares: [SharedDirectory] = []
    /// What serves them; nil: there are none.
    package var shareServer: ShareServer?
    /// The user that QEMU will run as.
    package var credentials: Credentials
    /// The host's CPUs that QEMU is bound to; nil: all that it may have.
    package var cpus: CPUSet?
    /// The recording monitor's input: QEMU itself executes it as soon as the machine exists.
    package var monitorInput: [QMPCommand]
    /// The commands sent over QMP once the machine exists; the last is `cont`, which commits the start.
    package var commit: [QMPCommand]
    /// Whether the VM is suspended: its saved state is gone after this start.
    package var usesUpSavedState = false
    /// The saved memory that QEMU loads; nil: the machine starts anew.
    package var savedMemory: FilePath?
    /// The warm image that it goes on from; nil: none.
    package var warmImage: VMName?
    /// The size of that.
    package var savedSize = ByteCount(bytes: 0)
    /// What other commands tell of the VM, as long as it runs, without asking it.
    package var vm: VMDescription
    /// Its addresses on networks that it shares with other VMs.
    package var sharedAddresses: [SharedAddress] = []
    /// What the user should know, one line each: a fallback that was taken, a value that was derived.
    package var notices: [String]

    /// The argument vector, without the program's name.
    package var argumentVector: [String] { arguments.flatMap(\.words) }

    /// The values that the file leaves to kvmctl, one line each.
    package var derivedValues: [String]

    /// An ISO for one start.
    package struct ISO: Equatable, Sendable {
        /// Its path.
        package var path: FilePath
        /// Whether the machine boots it, once.
        package var isBooted: Bool
    }

    /// A sparse raw disk image to be created.
    package struct SparseDisk: Equatable, Sendable {
        /// Its absolute path.
        package var path: FilePath
        /// Its size.
        package var size: ByteCount
        /// Its format: at a start always raw.
        package var format = DiskFormat.raw
    }

    /// The MAC of a NIC on a network that other VMs may be on.
    package struct SharedAddress: Equatable, Sendable {
        /// The n of `NETn`.
        package var nic: Int
        /// The MAC.
        package var mac: MACAddress
        /// The network.
        package var network: Network
        /// Where it comes from, for messages.
        package var place: String

        /// As other VMs see it.
        package var address: OtherVM.Address { .init(network: network.description, mac: mac.description) }
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
        /// QEMU's output: the VM's QEMU log, or with `start --foreground` the caller's stderr, if that is a pipe or the
        /// journal.
        case messages
        /// The VM's lock file, its life byte locked.
        case lock
        /// The lock on this VM's uid.
        case uidLock
        /// The listening QMP socket.
        case monitorSocket
        /// The listening socket of the serial console.
        case serialSocket
        /// The listening socket of the guest agent's channel.
        case agentSocket
        /// The log of the serial console, append-only.
        case consoleLog
        /// What the firmware writes on its debug port, append-only.
        case firmwareLog
        /// An image or block device. `direct`: with O_DIRECT, as QEMU will ask for it (since 9.1 it rejects descriptors
        /// of an fdset that differ in that).
        case image(FilePath, writable: Bool, direct: Bool = false)
        /// The hold on the macvtap link of the NIC with this n.
        case macvtap(nic: Int)
        /// The hold on the rules for what the VM's NICs send and receive.
        case portRules
        /// The hold on the VM's taps, which are removed when it ends, even if another process has them open.
        case taps
        /// A queue of the tap or macvtap of the NIC with this n.
        case tap(nic: Int, queue: Int)
        /// /dev/vhost-net, for that queue.
        case vhost(nic: Int, queue: Int)
        /// The hold on an isolated network.
        case isolated(NetworkName)
        /// The hold on the network `nat`.
        case natNetwork
        /// The hold on the VM's addresses, name and forwards on `nat`.
        case natLease
        /// A host port that is forwarded to the guest: bound, so that nobody else takes it.
        case hostPort(HostPort)
        /// The connection to the server of a shared directory, which is started for it.
        case share(SharedDirectory)
        /// A file that QEMU opens by the descriptor's name in /proc, so QEMU's user must be able to read it.
        case blob(FilePath)
        /// A password, without the line end that editors leave.
        case secret(FilePath)
        /// A password that is generated for this start.
        case madeSecret
        /// A seed for cloud-init, made for this start.
        case seed(CloudSeed)
        /// An unnamed file for what the guest writes to a disk of this size, empty as yet: an overlay of qcow2.
        case scratch(ByteCount)
        /// What a guest had written to a disk when a warm image was made of it: an overlay of qcow2.
        ///
        /// - Parameter making: the size of the disk, if the file is to be made, and written to.
        case frozen(FilePath, making: ByteCount?)
        /// The memory of a suspended VM, with the state of its devices.
        case savedMemory(FilePath)
    }
}

/// All the reasons why there is no plan.
package struct PlanRefusal: Error, Equatable, Sendable {
    /// At least one.
    package var problems: [VMError]

    /// Refuses a plan.
    package init(problems: [VMError]) { self.problems = problems }
}
