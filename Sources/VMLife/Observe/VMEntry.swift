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
    init(_ manifest: Manifest, _ seen: Observation, in place: Paths) {
        self.init(name: manifest.name.description, state: seen.state, file: manifest.file, place: place)
        memoryBytes = manifest.memory.bytes
        cpus = manifest.cpus
        do throws(VMError) {
            vnc = try manifest.display(in: place).map {
                VNCAddress(address: $0.address, port: $0.port, hasPassword: manifest.hasVNCPassword)
            }
        } catch { obstacle = error }
        let isAlive = seen.state.isAlive
        nics = manifest.nics.map {
            NIC(
                index: $0.index, network: $0.network, mac: $0.mac, tap: isAlive ? $0.tap : nil,
                address: isAlive ? $0.address : nil, settings: $0.settings)
        }
        accelerator = isAlive ? manifest.accelerator : nil
        uuid = manifest.uuid
        media = manifest.media.map(\.string)
        add(seen)
    }

    init(file: FilePath, name: VMName?, params: VMParams?, in place: Paths) {
        self.init(name: name?.description ?? file.string, state: .stopped, file: file, place: place)
        guard let params else { return }
        memoryBytes = params.memory.value.bytes
        cpus = params.cpus.value
        switch params.vnc.display.value {
        case .none: break
        case .auto: vnc = VNCAddress(address: params.vnc.bind.value, port: nil, hasPassword: true)
        case .number(let display):
            vnc = VNCAddress(
                address: params.vnc.bind.value, port: VNCPort(display: display), hasPassword: params.vnc.hasPassword)
        }
        nics = params.nics.map {
            NIC(
                index: $0.index, network: $0.network.value.description, mac: $0.mac?.value.description, tap: nil,
                settings: NICSettings($0))
        }
        uuid = params.uuid?.value.uuidString.lowercased()
        media = (params.disks.map(\.path) + params.cdroms.map(\.path)).map(\.value.string)
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
