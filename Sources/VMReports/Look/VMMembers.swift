import SystemPackage
import VMCore
import VMHost
import VMLife

extension VMEntry {
    /// The members of kvmctl.vm/1 that `list` and `show` have.
    ///
    /// - Parameter age: How long its process has been running.
    func members(age: Duration?) -> Members {
        [
            "name": .string(name),
            "state": .string(state.rawValue),
            "params": file.isEmpty ? .null : .string(file.string),
            "fault": .optional(fault),
            "uuid": .optional(uuid),
            "memory": .optional(memoryBytes),
            "cpus": .optional(cpus),
            "accelerator": .optional(accelerator),
            "vnc": vnc.map(\.json) ?? .null,
            "nics": nicsJSON,
            "media": .strings(media),
            "pid": pidJSON,
            "uptime": .optional(age?.components.seconds),
            "endReason": .optional(endReason),
            "unseen": .optional(obstacle?.summary),
            "stray": .bool(isStray),
        ]
    }

    /// The NICs, in kvmctl.vm/1 and kvmctl.start/1.
    var nicsJSON: JSON { .array(nics.map(\.json)) }

    /// The process ID, likewise.
    var pidJSON: JSON { .optional(process?.pid) }

    /// The VNC column: the display as in vm.params, with the address unless that is loopback.
    var vncText: String {
        guard let vnc else { return "-" }
        guard let port = vnc.port else { return "auto" }
        return vnc.address == "127.0.0.1" ? ":\(port.display)" : "\(vnc.address):\(port.display)"
    }

    /// The memory column.
    var memoryText: String { memoryBytes.map { ByteCount(bytes: $0).description } ?? "-" }

    /// The CPUs column.
    var cpusText: String { cpus.map(String.init) ?? "-" }
}

extension VMEntry.NIC {
    fileprivate var json: JSON {
        [
            "index": .int(index), "network": .string(network), "mac": .optional(mac), "tap": .optional(tap),
            "address": .optional(address),
            "queues": .int(settings.queues), "vlans": .optional(settings.vlans),
            "rate": .optional(settings.rate), "filter": .optional(settings.filter),
        ]
    }
}

extension VMEntry.VNCAddress {
    /// In kvmctl.vm/1 and kvmctl.start/1.
    var json: JSON {
        [
            "address": .string(address), "port": .optional(port?.number), "display": .optional(port?.display),
            "hasPassword": .bool(hasPassword),
        ]
    }
}
