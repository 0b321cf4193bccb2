import BridgeNet
public import SystemPackage

/// Another VM of the host: what it has that a VM can have only for itself.
public struct Neighbour: Equatable, Sendable, CustomStringConvertible {
    /// Its name.
    public var name: VMName
    /// Its params file.
    public var file: FilePath
    /// Whether it runs; else it is only defined.
    public var isRunning: Bool
    /// Its network cards' addresses.
    public var addresses: [Address] = []
    /// Its disks and CDs.
    public var media: [FilePath] = []
    /// The host's ports that it listens on.
    public var ports: [HostPort] = []

    /// Where a network card is.
    public struct Address: Hashable, Sendable {
        /// As in vm.params: `bridge:br0`.
        public var network: String
        /// As MACAddress writes it.
        public var mac: String

        /// Whether both are stations of one network with one address: a macvtap on a bridge is on the bridge's.
        func collides(with other: Address) -> Bool { mac == other.mac && segment == other.segment }

        private var segment: Substring {
            network.hasPrefix("macvtap:") || network.hasPrefix("bridge:") ? network.drop { $0 != ":" } : network[...]
        }
    }

    /// In words.
    public var description: String { "the \(isRunning ? "running " : "")VM \(name) (\(file))" }
}

extension LaunchPlan {
    /// What this VM and another can't both have.
    func conflicts(with other: Neighbour) -> [VMError] {
        let use = other.isRunning ? "is taken by" : "is also that of"
        var conflicts: [VMError] = []
        if other.name == name {
            conflicts.append(
                VMError(
                    .busy, file.string, "the name \(name) \(use) \(other)",
                    remedy: "stop that one, or give this one another NAME"))
        }
        // Two guests with one address on one network would take each other's frames.
        for nic in summary.nics where nic.network != .user {
            let own = Neighbour.Address(network: nic.network.description, mac: nic.mac.description)
            guard other.addresses.contains(where: own.collides) else { continue }
            conflicts.append(
                VMError(
                    .busy, nic.place, "the MAC \(own.mac) on \(own.network) \(use) \(other)",
                    remedy: "give one of them another, such as NET\(nic.index)_MAC=\(Self.otherMAC(nic.mac))"))
        }
        return conflicts
    }

    /// The address beside, for an example.
    static func otherMAC(_ mac: MACAddress) -> MACAddress {
        let last = mac.octets[5]
        return MACAddress(octets: mac.octets.dropLast() + [last == 0xff ? 0 : last + 1]) ?? mac
    }
}

extension LaunchPlanner {
    /// What other VMs have: of one that runs it keeps this one from starting; of one that does not it is worth knowing.
    mutating func planNeighbours() {
        for neighbour in facts.neighbours {
            for conflict in plan.conflicts(with: neighbour) {
                if neighbour.isRunning {
                    problem(conflict)
                } else {
                    plan.notices.append("\(conflict.cause): only one of them can run at a time")
                }
            }
        }
    }
}
