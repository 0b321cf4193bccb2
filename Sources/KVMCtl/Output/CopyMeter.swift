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

    private var waiting: GuestSignal?

    /// Whether the copy is to end.
    var isInterrupted: Bool {
        let number = clinux_take_signal()
        if let signal = GuestSignal(number: number) {
            // Whatever ends kvmctl ends what runs in the guest.
            waiting = signal == .suspend ? signal : .terminate
            if signal != .suspend { taken = number }
        }
        return taken != nil
    }

    /// The next signal for what runs in the guest.
    var signal: GuestSignal? {
        _ = isInterrupted
        return waiting.take()
    }

    /// Whether the same command would now copy to another place.
    private(set) var isRenaming = false

    func show(_ progress: CopyProgress) {
        isRenaming = progress.isRenaming
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
