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
        /// When it happened last, in microseconds.
        var latest: Int64

        init(_ event: VMEvent, _ words: String) {
            (self.event, self.words, latest) = (event, words, event.microseconds)
        }

        /// A guest that reboots writes to one register after the other until it works: each may be told as a reset.
        private static let once: Int64 = 1_000_000

        mutating func repeats(at microseconds: Int64) {
            if event.source != .qemu || microseconds - latest >= Self.once { count += 1 }
            latest = microseconds
        }

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
                entries[entries.count - 1].repeats(at: event.microseconds)
            } else {
                entries.append(Entry(event, words))
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
                guard entry.count > 1 else { return .lines("\(local(entry.moment))  \(entry.words)") }
                let last = local(Moment(microseconds: entry.latest))
                return .lines("\(local(entry.moment))  \(entry.words), \(entry.count) times, last at \(last)")
            }
    }
}
