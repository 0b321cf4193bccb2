import Glibc

/// The point in time when a wait has to end, on the monotonic clock.
package struct Deadline: Sendable {
    private let instant: ContinuousClock.Instant

    /// That long from now.
    package init(in duration: Duration) { instant = .now + duration }

    /// The time left, never negative.
    package var remaining: Duration { max(.zero, instant - .now) }

    /// Whether it has passed.
    package var hasPassed: Bool { remaining == .zero }

    /// The time left in whole milliseconds, rounded up, for poll(2).
    package var milliseconds: Int32 { Int32(clamping: remaining.wholeMilliseconds) }
}

/// Time since boot, counted while the host sleeps too, the same for all processes (clock_gettime(2), CLOCK_BOOTTIME).
enum BootClock {
    /// The time now.
    static var now: Duration {
        var now = timespec()
        clock_gettime(CLOCK_BOOTTIME, &now)
        return .seconds(Int64(now.tv_sec)) + .nanoseconds(Int64(now.tv_nsec))
    }

    /// The same in whole seconds.
    static var seconds: Int64 { now.components.seconds }
}

extension Duration {
    /// In microseconds, rounded down.
    package var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }

    /// In milliseconds, to the microsecond: `12.345`.
    package var milliseconds: String {
        let fraction = String(microseconds % 1000)
        return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }

    /// In milliseconds, rounded up.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}

/// Sleeps the calling thread.
package func pause(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    usleep(UInt32(clamping: seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
}
