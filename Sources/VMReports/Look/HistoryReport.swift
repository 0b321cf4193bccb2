import VMCore
import VMHost

/// `kvmctl history`: what happened to a VM, for people.
package struct HistoryReport: ObjectReport {
    private let name: VMName
    private let isTitled: Bool
    private let local: (Moment) -> String
    private let entries: [Entry]

    /// Something that happened, once or several times in a row.
    private struct Entry {
        var event: VMEvent
        var words: String
        var count = 1

        var moment: Moment { Moment(microseconds: event.microseconds) }
    }

    /// Reports on a VM.
    ///
    /// - Parameters:
    ///   - events: What happened, in order.
    ///   - last: How many entries to show, the newest ones; nil: all.
    ///   - isTitled: Whether the VM's name stands above, because there are several VMs.
    ///   - local: A time as people read it.
    package init(
        _ name: VMName, _ events: [VMEvent], last: Int? = nil, isTitled: Bool = false,
        local: @escaping (Moment) -> String = { $0.local }
    ) {
        (self.name, self.isTitled, self.local) = (name, isTitled, local)
        var entries: [Entry] = []
        for event in events {
            guard let words = event.words else { continue }
            if entries.last?.words == words {
                entries[entries.count - 1].count += 1
            } else {
                entries.append(Entry(event: event, words: words))
            }
        }
        self.entries = last.map { entries.suffix($0) } ?? entries
    }

    /// A VM's history.
    package var schema: Schema { .history }

    /// The entries, as data and in words.
    package var members: Members {
        [
            "name": .string(name.description),
            "entries": .array(
                entries.map { entry in
                    [
                        "time": .string(entry.moment.utc), "event": .string(entry.event.name),
                        "data": entry.event.data, "source": .string(entry.event.source.rawValue),
                        "words": .string(entry.words), "count": .int(entry.count),
                    ]
                }),
        ]
    }

    /// A line for each entry.
    package var text: [TextBlock] {
        (isTitled ? [.lines("\(name):")] : [])
            + entries.map { entry in
                let times = entry.count > 1 ? ", \(entry.count) times" : ""
                return .lines("\(local(entry.moment))  \(entry.words)\(times)")
            }
    }
}
