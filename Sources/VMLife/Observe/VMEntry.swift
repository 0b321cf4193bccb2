import BridgeNet
import FoundationEssentials
import SystemPackage
import VMCore
import VMHost

/// A VM as `list` and `show` see it.
package struct VMEntry: Sendable {
    /// Its name.
    package var name: String
    /// What it is doing.
    package var state: VMState
    /// Its params file, absolute; empty for a running VM whose manifest is gone.
    package var file: FilePath
    /// Why that file can't be used; nil if it can.
    package var fault: String?
    /// Memory in bytes; nil if the file does not tell.
    package var memoryBytes: Int64?
    /// Virtual processors; nil if the file does not tell.
    package var cpus: Int?
    /// Where its VNC server listens, or, if the VM is not running, where it would.
    package var vnc: VNCAddress?
    /// Its network cards.
    package var nics: [NIC] = []
    /// QEMU's process, while there is one.
    package var process: ProcessIdentity?
    /// Why the last run ended, in QEMU's term (qapi/run-state.json, ShutdownCause).
    package var endReason: String?
    /// `kvm` or `tcg`, while it runs.
    package var accelerator: String?
    /// Its UUID, if the file or the running VM tells.
    package var uuid: String?
    /// Its disks and CDs.
    package var media: [String] = []
    /// Where its run-time files are: in the caller's own places, or another user's.
    package var place: Paths
    /// What could not be read: why its state is `unknown`, or why details are missing.
    package var obstacle: VMError?
    /// Whether it still runs although its run-time files were removed: it can only be ended, no longer asked.
    package var isStray = false
    /// Whether its QEMU may be asked for its state.
    var isAsked = true

    /// A network card.
    package struct NIC: Equatable, Sendable {
        /// The n of `NETn`.
        package var index: Int
        /// As in vm.params: `bridge:br0`, `user`.
        package var network: String
        /// Its MAC address; nil if it is derived only at start.
        package var mac: String?
        /// Its tap or macvtap, while it runs.
        package var tap: String?
        /// Its IP address on kvmctl's own network, while it runs.
        package var address: String?
        /// Its other settings.
        package var settings: NICSettings
    }

    /// Where a VNC viewer connects.
    package struct VNCAddress: Equatable, Sendable {
        /// The host's address.
        package var address: String
        /// The TCP port; nil: not known until it runs (`auto`).
        package var port: VNCPort?
        /// Whether it asks for a password.
        package var hasPassword: Bool
    }
}

extension VMEntry {
    /// A VM that runs, or ran last.
    init(_ manifest: Manifest, _ seen: Observation, in place: Paths) {
        self.init(name: manifest.name.description, state: seen.state, file: manifest.file, place: place)
        describe(manifest.vm)
        do throws(VMError) {
            vnc = try manifest.display(in: place).map {
                VNCAddress(address: $0.address, port: $0.port, hasPassword: $0.hasPassword)
            }
        } catch { obstacle = error }
        if !seen.state.isAlive {
            accelerator = nil
            for index in nics.indices { (nics[index].tap, nics[index].address) = (nil, nil) }
        }
        add(seen)
    }

    init(file: FilePath, name: VMName?, params: VMParams?, in place: Paths) {
        self.init(name: name?.description ?? file.string, state: .stopped, file: file, place: place)
        if let params { describe(VMDescription(params)) }
    }

    private mutating func describe(_ vm: VMDescription) {
        memoryBytes = vm.memory.bytes
        cpus = vm.cpus
        vnc = vm.vnc.map { VNCAddress(address: $0.address, port: $0.port, hasPassword: $0.hasPassword) }
        nics = vm.nics.map {
            NIC(
                index: $0.index, network: $0.network.description, mac: $0.mac?.description, tap: $0.tap,
                address: $0.address, settings: $0.settings)
        }
        accelerator = vm.accelerator
        uuid = vm.uuid
        media = vm.media.map(\.string)
    }

    /// A VM that runs, or may run, and of which only the name is known.
    init(_ name: VMName, _ seen: Observation, in place: Paths) {
        self.init(name: name.description, state: seen.state, file: "", place: place)
        add(seen)
    }

    init(name: String, state: VMState, file: FilePath, place: Paths) {
        self.name = name
        self.state = state
        self.file = file
        self.place = place
    }

    mutating func add(_ seen: Observation) {
        state = seen.state
        process = seen.state.isAlive ? seen.holder : nil
        endReason = seen.endReason
        obstacle = seen.obstacle ?? obstacle
        isStray = seen.isStray
    }
}
