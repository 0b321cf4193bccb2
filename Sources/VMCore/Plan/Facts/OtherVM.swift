import BridgeNet
import SystemPackage

/// Another VM on the host, and what it has that two VMs can't share.
package struct OtherVM: Equatable, Sendable, CustomStringConvertible {
    /// Its name.
    package var name: VMName
    /// Its params file.
    package var file: FilePath
    /// Identifies that file; nil if it could not be looked at.
    package var filePlace: FilePlace?
    /// Whether it runs; else it is only defined.
    package var isRunning: Bool
    /// Its UUID, in lower case; nil if it is derived from the path of its file, and so unique.
    package var uuid: String?
    /// Its memory.
    package var memory = ByteCount(bytes: 0)
    /// Its network cards' addresses.
    package var addresses: [Address] = []
    /// The names that it gives its taps and macvtaps.
    package var interfaces: [InterfaceName] = []
    /// Its disks and CDs.
    package var media: [Medium] = []
    /// The host ports that it listens on.
    package var ports: [HostPort] = []
    /// The VMs that it starts after, as its file says.
    package var after: [VMName] = []

    package init(
        name: VMName, file: FilePath, filePlace: FilePlace? = nil, isRunning: Bool, uuid: String? = nil,
        memory: ByteCount = ByteCount(bytes: 0), addresses: [Address] = [], interfaces: [InterfaceName] = [],
        media: [Medium] = [], ports: [HostPort] = []
    ) {
        self.name = name
        self.file = file
        self.filePlace = filePlace
        self.isRunning = isRunning
        self.uuid = uuid
        self.memory = memory
        self.addresses = addresses
        self.interfaces = interfaces
        self.media = media
        self.ports = ports
    }

    /// A disk or CD.
    package struct Medium: Hashable, Sendable {
        /// The file or device.
        package var place: FilePlace
        /// Whether the guest writes to it.
        package var isWritten: Bool

        package init(place: FilePlace, isWritten: Bool) {
            self.place = place
            self.isWritten = isWritten
        }
    }

    /// Where a network card is.
    package struct Address: Hashable, Sendable {
        /// As in vm.params: `bridge:br0`.
        package var network: String
        /// As MACAddress writes it.
        package var mac: String

        package init(network: String, mac: String) {
            self.network = network
            self.mac = mac
        }

        /// Equal for two NICs with one address on one network; a macvtap on a bridge is on the bridge's network.
        package var station: Claim {
            let isOutside = network.hasPrefix("macvtap:") || network.hasPrefix("bridge:")
            return .station(segment: String(isOutside ? network.drop { $0 != ":" } : network[...]), mac: mac)
        }
    }

    /// In words.
    package var description: String { "the \(isRunning ? "running " : "")VM \(name) (\(file))" }
}

extension OtherVM {
    /// What it can't share with another VM.
    var claims: [Claim] {
        var claims = [.name(name)] + addresses.map(\.station) + interfaces.map(Claim.interface) + ports.map(\.claim)
        claims += media.map { .file($0.place) } + media.filter(\.isWritten).map { .written($0.place) }
        if let filePlace { claims.append(.definition(filePlace)) }
        if let uuid { claims.append(.uuid(uuid)) }
        return claims
    }
}

extension HostPort {
    /// Equal for all ports that may be one socket: their addresses are compared when they are found.
    var claim: Claim { .port(transport, number) }
}

extension LaunchPlan {
    /// What this VM can't share with a running one, as far as nothing else on the host shows it.
    package func conflicts(with other: OtherVM) -> [VMError] {
        var conflicts: [VMError] = []
        if other.name == name { conflicts.append(nameConflict(with: other)) }
        for nic in sharedAddresses {
            if other.addresses.contains(where: { $0.station == nic.address.station }) {
                conflicts.append(addressConflict(nic, with: other))
            }
        }
        return conflicts
    }

    func nameConflict(with other: OtherVM) -> VMError {
        VMError(
            .busy, file.string, "the name \(name) is taken by \(other)",
            remedy: "stop that VM, or give this one another NAME")
    }

    /// Two guests with one address on one network would receive each other's frames.
    func addressConflict(_ nic: SharedAddress, with other: OtherVM) -> VMError {
        VMError(
            .busy, nic.place, "the MAC \(nic.mac) on \(nic.network) is taken by \(other)",
            remedy: "give one of them another, such as NET\(nic.nic)_MAC=\(Self.otherMAC(nic.mac))")
    }

    /// The next address, as an example.
    static func otherMAC(_ mac: MACAddress) -> MACAddress {
        let last = mac.octets[5]
        return MACAddress(octets: mac.octets.dropLast() + [last == 0xff ? 0 : last + 1]) ?? mac
    }
}
