import VMHost

/// When something that has no events is looked at again.
struct Pace {
    private var next = ContinuousClock.now
    /// How long to leave it alone after a look.
    var interval: Duration

    init(every interval: Duration) { self.interval = interval }

    /// How long until then.
    var remaining: Duration { max(.zero, next - .now) }

    /// Whether it is time; then the next time is an interval from now.
    mutating func isDue() -> Bool {
        guard remaining == .zero else { return false }
        next = .now + interval
        return true
    }

    /// Now.
    mutating func hurry() { next = .now }
}
