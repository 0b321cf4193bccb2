import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl list`: all VMs.
package struct VMListReport: Report {
    private let entries: [(entry: VMEntry, age: Duration?)]

    /// Reports on VMs in this order.
    ///
    /// - Parameter age: How long a VM's process has been running.
    package init(_ entries: [VMEntry], age: (VMEntry) -> Duration? = { $0.process?.age }) {
        self.entries = entries.map { ($0, age($0)) }
    }

    /// What a VM is.
    package var schema: Schema { .vm }

    /// An object for each VM.
    package var content: Content { .array(entries.map { $0.entry.members(age: $0.age) }) }

    /// A row for each VM.
    package var text: [TextBlock] {
        var table = Table("NAME", "STATE", "MEMORY", "CPUS", "VNC", "NICS", "UPTIME")
        for (entry, age) in entries {
            table.add(
                entry.name, entry.state.rawValue, entry.memoryText, entry.cpusText, entry.vncText, entry.nicsText,
                age?.short ?? "-")
        }
        return [.table(table)]
    }

    /// Which VMs need a look.
    package var remarks: [String] {
        var (paused, unusable, strays, renamed): ([String], [String], [String], [String]) = ([], [], [], [])
        for (entry, _) in entries {
            if let reason = entry.pauseReason {
                paused.append("\(entry.name): paused by QEMU: \(reason); \(reason.wayOn(of: entry.name))")
            }
            if entry.fault != nil {
                let file = Printable.escaped(entry.file.string)
                unusable.append("\(file): can't be used; \(command: "kvmctl check \(entry.file)") says why")
            }
            if entry.isStray {
                strays.append(
                    "\(entry.name): still runs, but without its run-time files, which were removed; "
                        + "\(command: "kvmctl show \(entry.name)") says more")
            }
            if let name = entry.nextName {
                renamed.append("\(entry.name): its file now says NAME=\(name), which counts from its next start")
            }
        }
        return paused + unusable + strays + renamed
    }
}

extension VMEntry {
    /// The NICS column: each NIC's tap, if it has one, and its network.
    fileprivate var nicsText: String {
        let nics = vm?.nics ?? []
        return nics.isEmpty
            ? "-" : nics.map { nic in nic.tap.map { "\($0)@\(nic.place)" } ?? nic.place }.joined(separator: ",")
    }
}

extension VMDescription.NIC {
    /// What it is connected to, and its address there: `bridge:br0`, `nat:10.213.0.5`.
    fileprivate var place: String { address.map { "\(network):\($0)" } ?? network.description }
}
