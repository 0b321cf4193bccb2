import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl list`: all VMs.
package struct VMListReport: Report {
    private let entries: [VMEntry]
    /// How long each one's process has been running.
    private let ages: [Duration?]
    private let columns: [ListColumn]

    /// Reports on VMs in this order.
    ///
    /// - Parameters:
    ///     - columns: What people are shown; nil: the usual.
    ///     - age: How long a VM's process has been running.
    package init(
        _ entries: [VMEntry], columns: [ListColumn]? = nil, age: (VMEntry) -> Duration? = { $0.process?.age }
    ) {
        self.entries = entries
        ages = entries.map(age)
        let isMarked = columns == nil && entries.contains(where: \.isMarked)
        self.columns = columns ?? ListColumn.usual + (isMarked ? [.marks] : [])
    }

    /// What a VM is.
    package var schema: Schema { .vm }

    /// An object for each VM.
    package var content: Content { .array(zip(entries, ages).map { $0.members(age: $1) }) }

    /// A row for each VM.
    package var text: [TextBlock] {
        var table = Table(columns.map { $0.rawValue.uppercased() })
        let states = columns.indices.filter { columns[$0] == .state }
        for (entry, age) in zip(entries, ages) {
            let tones = entry.tone.map { tone in states.map { ($0, tone) } } ?? []
            table.add(columns.map { $0.text(of: entry, age: age) }, tones: tones)
        }
        return [.table(table)]
    }

    /// Which VMs need a look.
    package var remarks: [String] {
        var (paused, unusable, strays, renamed): ([String], [String], [String], [String]) = ([], [], [], [])
        for entry in entries {
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
