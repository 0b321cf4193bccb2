/// When a guest rebooted, from the resets in its flight record. One reboot is several resets: the firmware resets the
/// machine once more.
package struct RebootCount: Sendable {
    /// The beginning of each, in microseconds since the epoch; the last ones.
    package private(set) var times: [Int64] = []

    /// How long the resets of one reboot take at most, in microseconds.
    private static let together: Int64 = 500_000
    private static let kept = 16

    package init() {}

    /// Adds a reset.
    package mutating func add(_ time: Int64) {
        if let last = times.last, time - last < Self.together { return }
        times = times.suffix(Self.kept - 1) + [time]
    }

    /// The guest came up: what was before is no loop.
    package mutating func forget() { times = [] }
}
