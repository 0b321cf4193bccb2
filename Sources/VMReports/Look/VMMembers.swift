import BridgeNet
import SystemPackage
import VMCore
import VMHost
import VMLife

extension VMEntry {
    /// The members of kvmctl.vm/2 that `list` and `show` have.
    ///
    /// - Parameter age: How long its process has been running.
    func members(age: Duration?) -> Members {
        [
            "name": .string(name),
            "state": .string(state.rawValue),
            "params": file.isEmpty ? .null : .string(file.string),
            "fault": .optional(fault),
            "uuid": .optional(vm?.uuid),
            "description": .optional(vm?.note),
            "tags": .strings(vm?.tags ?? []),
            "protected": vm.map { .bool($0.isProtected) } ?? .null,
            "template": vm.map { .bool($0.isTemplate) } ?? .null,
            "enabled": isEnabled.map { .bool($0) } ?? .null,
            "memory": .optional(vm?.memory.bytes),
            "cpus": .optional(vm?.cpus),
            "cpuSet": .optional(vm?.cpuSet),
            "accelerator": .optional(vm?.accelerator),
            "vnc": vncJSON,
            "nics": nicsJSON,
            "media": .strings(vm?.media ?? []),
            "forwards": .strings(vm?.forwards ?? []),
            "addresses": .array(addresses.map(\.json)),
            "pending": pending.map { .strings($0) } ?? .null,
            "pid": pidJSON,
            "startTime": .optional(startedAt?.second),
            "uptime": .optional(age?.components.seconds),
            "endReason": .optional(endReason),
            "pauseReason": .optional(pauseReason?.word),
            "pauseCause": .optional(pauseReason?.description),
            "unseen": .optional(obstacle?.summary),
            "stray": .bool(isStray),
        ]
    }

    /// The NICs, in kvmctl.vm/2 and kvmctl.start/1.
    var nicsJSON: JSON { .array((vm?.nics ?? []).map(\.report)) }

    /// The VNC server, likewise.
    var vncJSON: JSON { vm?.vnc.map(\.report) ?? .null }

    /// The process ID, likewise.
    var pidJSON: JSON { .optional(process?.pid) }

    /// The VNC column: where its server listens.
    var vncText: String {
        guard let vnc = vm?.vnc else { return "-" }
        guard let port = vnc.port else { return "auto" }
        return HostPort(.tcp, vnc.address, port.number).place
    }

    /// The memory column.
    var memoryText: String { vm?.memory.short ?? "-" }

    /// The CPUs column.
    var cpusText: String { vm.map { String($0.cpus) } ?? "-" }
}

extension VMDescription.NIC {
    fileprivate var report: JSON {
        [
            "index": .int(index), "network": .string(network.description), "mac": .optional(mac?.description),
            "tap": .optional(tap),
            "address": .optional(address),
            "queues": .int(settings.queues), "vlans": .optional(settings.vlans),
            "rate": .optional(settings.rate), "filter": .optional(settings.filter),
            "model": .string(settings.model.rawValue),
        ]
    }
}

extension VMDescription.VNC {
    fileprivate var report: JSON {
        [
            "address": .string(address), "port": .optional(port?.number), "display": .optional(port?.display),
            "hasPassword": .bool(hasPassword),
        ]
    }
}

extension Moment {
    /// RFC 3339 in UTC, to the second.
    var second: String { "\(utc.prefix { $0 != "." })Z" }
}
