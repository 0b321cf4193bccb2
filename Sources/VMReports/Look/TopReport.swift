import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl top`: what VMs use.
package struct TopReport: Report {
    private let vms: [VMUsage]
    private let time: Moment

    /// Reports on VMs, those that use most of the processors first.
    ///
    /// - Parameter time: when they were looked at.
    package init(_ vms: [VMUsage], at time: Moment) {
        self.time = time
        self.vms = vms.sorted {
            let (one, other) = ($0.rates?.processor ?? -1, $1.rates?.processor ?? -1)
            return one != other ? one > other : $0.entry.name < $1.entry.name
        }
    }

    /// What a VM uses.
    package var schema: Schema { .top }

    /// An object for each VM.
    package var content: Content { .array(vms.map { $0.members(at: time) }) }

    /// The same, one after the other, for what goes on.
    package var lines: String {
        guard case .array(let objects) = json else { return "" }
        return objects.map { "\($0.text)\n" }.joined()
    }

    /// A row for each VM.
    package var text: [TextBlock] {
        var table = Table("NAME", "CPU", "MEMORY", "OF", "READ/S", "WRITE/S", "RX/S", "TX/S")
        for vm in vms {
            let (storage, network) = (vm.rates?.storage, vm.rates?.network)
            table.add(
                vm.entry.name, Self.processor(vm), vm.usage?.memory.short ?? "-", vm.entry.memoryText,
                Self.size(storage?.inward), Self.size(storage?.outward), Self.size(network?.inward),
                Self.size(network?.outward))
        }
        return [.table(table)]
    }

    /// How busy it is. A VM that does not run on is not merely idle.
    private static func processor(_ vm: VMUsage) -> String {
        switch vm.entry.state {
        case .paused, .sleeping: vm.entry.state.rawValue
        default: percent(vm.rates?.processor)
        }
    }

    private static func percent(_ tenths: Int64?) -> String {
        tenths.map { "\($0 / 10).\($0 % 10)%" } ?? "-"
    }

    private static func size(_ bytes: UInt64?) -> String {
        bytes.map { ByteCount(bytes: Int64(clamping: $0)).short } ?? "-"
    }
}

extension VMUsage {
    fileprivate func members(at time: Moment) -> Members {
        [
            "name": .string(entry.name), "time": .string(time.utc), "state": .string(entry.state.rawValue),
            "pid": entry.pidJSON, "cpus": .optional(entry.vm?.cpus),
            "cpuPercent": rates?.processor.map { .number(Double($0) / 10) } ?? .null,
            "memory": .optional(entry.vm?.memory.bytes), "memoryInUse": .optional(usage?.memory.bytes),
            "bytesRead": .optional(rates?.storage?.inward), "bytesWritten": .optional(rates?.storage?.outward),
            "bytesReceived": .optional(rates?.network?.inward), "bytesSent": .optional(rates?.network?.outward),
        ]
    }
}
