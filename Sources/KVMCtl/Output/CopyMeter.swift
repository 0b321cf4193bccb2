import CLinux
import Glibc
import VMCore
import VMHost
import VMLife
import VMReports

/// The progress of a copy, on a terminal, and the signals that come meanwhile.
final class CopyMeter {
    private let isShown = isatty(STDERR_FILENO) != 0
    private let began = ContinuousClock.now
    private var last: ContinuousClock.Instant?
    private var isOnLine = false
    /// The signal that ended the copy.
    private(set) var taken: Int32?

    private static let interval = Duration.milliseconds(200)

    /// The next signal for what runs in the guest. Whatever ends kvmctl ends that.
    var signal: GuestSignal? {
        let number = clinux_take_signal()
        guard let signal = GuestSignal(number: number) else { return nil }
        if signal == .suspend { return signal }
        taken = number
        return .terminate
    }

    func show(_ progress: CopyProgress) {
        guard isShown, last.map({ ContinuousClock.now - $0 >= Self.interval }) ?? true else { return }
        last = .now
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        let moved = Double(progress.done - progress.kept)
        let rate = seconds > 0 ? moved / seconds : 0
        var line = "\(ByteCount(bytes: progress.done)) of \(ByteCount(bytes: progress.total))"
        if rate >= 1, seconds > 1 {
            let left = Int64(Double(max(0, progress.total - progress.done)) / rate)
            line += ", \(ByteCount(bytes: Int64(rate)))/s, \(Duration.seconds(left).short) left"
        }
        line += "  \(Printable.escaped(progress.file))"
        let width = TerminalSize.current.columns - 1
        Message.write("\r\u{1b}[K" + String(line.unicodeScalars.prefix(width).map(Character.init)))
        isOnLine = true
    }

    /// Takes the line away.
    func clear() {
        if isOnLine { Message.write("\r\u{1b}[K") }
        isOnLine = false
    }
}
