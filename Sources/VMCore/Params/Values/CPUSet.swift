/// Some of the host's CPUs, written as the kernel writes them: `0-3,8` (cpuset(7), list format).
package struct CPUSet: Hashable, Sendable {
    /// Their numbers.
    package private(set) var numbers: Set<Int>

    /// How many CPUs a Linux host can have at most (`NR_CPUS` of its Kconfig).
    package static let most = 8192

    /// These CPUs.
    package init(_ numbers: some Sequence<Int>) { self.numbers = Set(numbers) }

    /// The CPUs whose bits are set in a mask, the lowest in the first byte (sched_setaffinity(2)).
    package init(mask: [UInt8]) {
        numbers = Set((0..<mask.count * 8).filter { mask[$0 / 8] & 1 << ($0 % 8) != 0 })
    }

    /// The same as a mask for ``most`` CPUs.
    package var mask: [UInt8] {
        numbers.reduce(into: Array(repeating: 0, count: Self.most / 8)) { $0[$1 / 8] |= 1 << ($1 % 8) }
    }

    /// Those that are not in the other set.
    package func subtracting(_ other: CPUSet) -> CPUSet { CPUSet(numbers.subtracting(other.numbers)) }

    /// Whether there is none.
    package var isEmpty: Bool { numbers.isEmpty }
}

extension CPUSet: CustomStringConvertible {
    /// Ascending, in ranges: `0-3,8`.
    package var description: String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}

extension CPUSet {
    /// `CPUSET`, and the kernel's own lists.
    package init(parsing text: String) throws(ValueFault) {
        numbers = []
        var offset = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let place = offset..<offset + part.utf8.count
            numbers.formUnion(try Self.range(part, at: place))
            offset = place.upperBound + 1
        }
    }

    private static func range(_ part: Substring, at place: Range<Int>) throws(ValueFault) -> ClosedRange<Int> {
        let hint: Hint = "Write numbers and ranges of CPUs with commas, such as \(example: "0-3,8")."
        let ends = part.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = ends.compactMap { $0.utf8.allSatisfy(\.isDigit) ? Int($0) : nil }
        guard let first = numbers.first, let last = numbers.last, numbers.count == ends.count, ends.count <= 2 else {
            throw ValueFault(
                "\(Printable.quoted(part)) is neither a CPU nor a range of them", hint: hint,
                range: place.isEmpty ? nil : place)
        }
        guard last < most else {
            throw ValueFault("\(last) is out of range", hint: "CPUs are numbered from 0 to \(most - 1).", range: place)
        }
        guard first <= last else {
            throw ValueFault(
                "\(part) ends before it begins", hint: hint, trying: ["Did you mean \(part: "\(last)-\(first)")?"],
                range: place)
        }
        return first...last
    }
}
