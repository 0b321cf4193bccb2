/// The uids, or the gids, that exist in a user namespace (user_namespaces(7), /proc/PID/uid_map).
package struct IDMap: Equatable {
    /// The mapped ids, as seen inside; the ranges don't overlap.
    let ranges: [ClosedRange<UInt32>]

    /// Reads lines of `INSIDE OUTSIDE COUNT`; other lines map nothing.
    package init(parsing text: String) {
        ranges = text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").compactMap { UInt32($0) }
            guard words.count == 3, words[2] > 0 else { return nil }
            let (last, overflow) = words[0].addingReportingOverflow(words[2] - 1)
            return overflow ? nil : words[0]...last
        }
    }

    /// Whether an account can have the id.
    package func contains(_ id: UInt32) -> Bool { ranges.contains { $0.contains(id) } }

    /// Whether accounts can have every id of a range.
    package func contains(_ wanted: ClosedRange<UInt32>) -> Bool {
        var next = UInt64(wanted.lowerBound)
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where UInt64(range.lowerBound) <= next {
            next = max(next, UInt64(range.upperBound) + 1)
        }
        return next > UInt64(wanted.upperBound)
    }
}

extension IDMap: CustomStringConvertible {
    /// For people: `0 to 65535`.
    package var description: String {
        let words = ranges.prefix(3).map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)" }
        return words.joined(separator: ", ") + (ranges.count > 3 ? " and \(ranges.count - 3) more ranges" : "")
    }
}
