import VMCore
import VMHost

/// `kvmctl net show`: bridges, and what is connected to them.
package struct BridgesReport: Report {
    private let bridges: [Bridges.Bridge]
    private let trials: [String: Int64]

    /// Reports on bridges in this order.
    ///
    /// - Parameter trials: For how many more seconds a change to a bridge is on trial, by the bridge's name.
    package init(_ bridges: [Bridges.Bridge], trials: [String: Int64]) {
        (self.bridges, self.trials) = (bridges, trials)
    }

    /// What a bridge is.
    package var schema: Schema { .bridge }

    /// An object for each bridge.
    package var content: Content { .array(bridges.map { $0.members(trialLeft: trials[$0.name]) }) }

    /// A row for each port, and a line for each trial.
    package var text: [TextBlock] {
        [.table(table)]
            + trials.sorted { $0.key < $1.key }.map { name, left in
                "\(name): on trial for another \(left) s; \(command: "kvmctl net confirm \(name)") keeps it"
            }
    }

    private var table: Table {
        var table = Table("BRIDGE", "NETWORK", "STATE", "MTU", "MAC", "ADDRESS", "PORT", "VM")
        for bridge in bridges {
            let address = bridge.addresses.isEmpty ? "-" : bridge.addresses.joined(separator: ",")
            var own = [bridge.name, bridge.network, bridge.isUp ? "up" : "down", "\(bridge.mtu)", bridge.mac, address]
            if bridge.ports.isEmpty { table.add(own + ["-", "-"]) }
            for port in bridge.ports {
                table.add(own + [port.name, port.name == bridge.uplink ? "(uplink)" : port.alias ?? "-"])
                own = own.map { _ in "" }
            }
        }
        return table
    }
}

extension Bridges.Bridge {
    fileprivate func members(trialLeft left: Int64?) -> Members {
        [
            "name": .string(name), "network": .string(network), "up": .bool(isUp), "mtu": .int(mtu),
            "mac": .string(mac), "uplink": .optional(uplink), "addresses": .strings(addresses),
            "stp": .bool(hasSpanningTree), "vlanAware": .bool(isVLANAware), "trialSecondsLeft": .optional(left),
            "ports": .array(ports.map { ["name": .string($0.name), "alias": .optional($0.alias)] }),
        ]
    }
}
