import BridgeNet
import SystemPackage
import VMCore
import VMHost
import VMLife

extension VMEntry {
    /// The JSON object of a VM (docs/json.md, schema kvmctl.vm/1).
    var json: JSON {
        [
            "schema": "kvmctl.vm/1",
            "name": .string(name),
            "state": .string(state.rawValue),
            "params": file.isEmpty ? .null : .string(file.string),
            "fault": .optional(fault),
            "uuid": .optional(uuid),
            "memory": memoryBytes.map(JSON.integer) ?? .null,
            "cpus": cpus.map { .integer(Int64($0)) } ?? .null,
            "accelerator": .optional(accelerator),
            "vnc": vnc.map(\.json) ?? .null,
            "nics": .array(nics.map(\.json)),
            "media": .array(media.map(JSON.string)),
            "pid": process.map { .integer(Int64($0.pid)) } ?? .null,
            "uptime": process.map { .integer($0.age.components.seconds) } ?? .null,
            "endReason": .optional(endReason),
            "unseen": .optional(obstacle?.summary),
            "stray": .bool(isStray),
        ]
    }

    /// The VNC column: the display as in vm.params, with the address unless that is loopback.
    var vncText: String {
        guard let vnc else { return "-" }
        guard let port = vnc.port else { return "auto" }
        return vnc.address == "127.0.0.1" ? ":\(port.display)" : "\(vnc.address):\(port.display)"
    }

    /// The same for `show`, with its protection.
    var vncWords: String {
        guard let vnc else { return "-" }
        let place = process == nil ? "" : ": \(command: "kvmctl vnc \(name)")"
        return "\(vncText), \(vnc.hasPassword ? "with a password\(place)" : "without a password")"
    }

    /// The NICS column: each NIC's tap, if it has one, and its network.
    var nicsText: String {
        nics.isEmpty
            ? "-" : nics.map { nic in nic.tap.map { "\($0)@\(nic.place)" } ?? nic.place }.joined(separator: ",")
    }

    /// The memory column.
    var memoryText: String { memoryBytes.map { ByteCount(bytes: $0).description } ?? "-" }
    /// The CPUs column.
    var cpusText: String { cpus.map(String.init) ?? "-" }
    /// The uptime column.
    var uptimeText: String { process?.age.short ?? "-" }
}

extension VMEntry.NIC {
    /// What it is connected to, and its address there: `bridge:br0`, `nat:10.213.0.5`.
    var place: String { address.map { "\(network):\($0)" } ?? network }

    var json: JSON {
        [
            "index": .integer(Int64(index)), "network": .string(network), "mac": .optional(mac), "tap": .optional(tap),
            "address": .optional(address),
            "queues": .integer(Int64(settings.queues)), "vlans": .optional(settings.vlans),
            "rate": settings.rate.map(JSON.integer) ?? .null, "filter": .optional(settings.filter),
        ]
    }
}

extension VMEntry.VNCAddress {
    var json: JSON {
        [
            "address": .string(address), "port": port.map { .integer(Int64($0.number)) } ?? .null,
            "display": port.map { .integer(Int64($0.display)) } ?? .null, "hasPassword": .bool(hasPassword),
        ]
    }
}
