/// The end of what a command wrote, kept for a report of it.
package final class OutputCopy {
    private var kept: [UInt8] = []
    /// How many bytes before that were dropped.
    package private(set) var dropped = 0

    /// The most that is kept: a report is read by programs that hold all of it in memory.
    private static let limit = 1 << 20

    package init() {}

    /// What is kept.
    package var bytes: [UInt8] { kept.suffix(Self.limit) }

    func add(_ bytes: [UInt8]) {
        kept += bytes
        guard kept.count > 2 * Self.limit else { return }
        dropped += kept.count - Self.limit
        kept.removeFirst(kept.count - Self.limit)
    }
}
