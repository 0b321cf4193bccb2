import Glibc

/// A point in time by the host's clock.
package struct Moment: Equatable, Sendable {
    /// Since the epoch.
    package let microseconds: Int64

    /// That long after the epoch.
    package init(microseconds: Int64) { self.microseconds = microseconds }

    /// The time now.
    package static var now: Moment {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Moment(microseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)
    }

    /// When the host booted, as far as its clock was right.
    package static var ofBoot: Moment { Moment(microseconds: now.microseconds - BootClock.now.microseconds) }

    /// RFC 3339 in UTC: `2026-11-27T08:11:02.123456Z`.
    package var utc: String { text("%Y-%m-%dT%H:%M:%S", gmtime_r) + ".\(fraction)Z" }

    /// The same, fit for a file's name: `20261127T081102.123456Z`.
    package var fileName: String { text("%Y%m%dT%H%M%S", gmtime_r) + ".\(fraction)Z" }

    /// As a clock on the wall shows it: `2026-11-27 09:11:02`.
    package var local: String { text("%Y-%m-%d %H:%M:%S", localtime_r) }

    private var fraction: Substring { String(1_000_000 + rest).dropFirst() }

    private var rest: Int64 { (microseconds % 1_000_000 + 1_000_000) % 1_000_000 }

    private func text(
        _ format: String, _ broken: (UnsafePointer<time_t>?, UnsafeMutablePointer<tm>?) -> UnsafeMutablePointer<tm>?
    ) -> String {
        var seconds = time_t((microseconds - rest) / 1_000_000)
        var parts = tm()
        guard broken(&seconds, &parts) != nil else { return String(seconds) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let start = buffer.baseAddress, strftime(start, 64, format, &parts) > 0 else {
                return String(seconds)
            }
            return String(cString: start)
        }
    }

    /// Reads `2026-11-27`, with ` 08:11` or ` 08:11:02` after it, by the clock on the wall; nil if it is something else.
    package init?(local text: String) {
        let numbers = text.split { "-: ".contains($0) }.map { CInt($0) ?? -1 }
        guard [3, 5, 6].contains(numbers.count) else { return nil }
        func number(_ place: Int) -> CInt { place < numbers.count ? numbers[place] : 0 }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (number(0) &- 1900, number(1) &- 1, number(2))
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (number(3), number(4), number(5))
        parts.tm_isdst = -1
        self.init(microseconds: Int64(mktime(&parts)) &* 1_000_000)
        // mktime(3) makes 3 March of 31 February.
        guard local.hasPrefix(text) else { return nil }
    }
}
