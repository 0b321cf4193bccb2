import BridgeKernel
import BridgeNet
import CLinux
import Glibc
import SystemPackage
import VMCore

/// A change to the host's network that is rolled back unless it is confirmed, seen from the command that makes it. If
/// this process ends, the guardian takes care of the change; if that is killed too, root's next kvmctl command does.
package struct Trial: ~Copyable {
    private var channel: LineChannel

    /// An event while a change is on trial.
    package enum Event: Equatable, Sendable {
        /// Nothing happened in that time.
        case quiet
        /// The user typed a line.
        case line
        /// There is a verdict; `left` is what could not be rolled back.
        case verdict(Verdict, left: [String])
    }

    /// Starts the guardian, and makes the change.
    ///
    /// - Parameters:
    ///   - limit: how long the change is on trial.
    ///   - change: makes the change.
    init(
        _ journal: consuming ChangeJournal, at path: FilePath, limit: Duration,
        change: () throws(BridgeChange.Failure) -> Void
    ) throws(VMError) {
        var channel = try Self.startGuardian(journal, at: path, limit: limit)
        do throws(LineChannel.Failure) { _ = try channel.line(by: Deadline(in: .seconds(20))) } catch {
            journal.close()
            throw VMError(
                .unavailable, "kvmctl net guard",
                "the process that would roll the change back did not start; nothing was changed")
        }
        do throws(BridgeChange.Failure) { try change() } catch {
            // The guardian rolls back the rest as soon as this command has ended.
            if error.isUndone { journal.close() }
            throw error.error
        }
        // If the guardian is gone by now, the first wait notices.
        try? channel.send("made", by: Deadline(in: .seconds(5)))
        self.channel = channel
    }

    /// Waits for what happens next.
    ///
    /// - Parameter input: a terminal where the user may press Enter.
    package mutating func wait(for limit: Duration, input: FileDescriptor?) -> Event {
        var left: [String] = []
        var sets = [pollfd(fd: channel.descriptor, events: Int16(POLLIN), revents: 0)]
        if let input { sets.append(pollfd(fd: input.rawValue, events: Int16(POLLIN), revents: 0)) }
        guard poll(&sets, nfds_t(sets.count), CInt(clamping: limit.wholeMilliseconds)) > 0 else { return .quiet }
        if sets[0].revents == 0 { return .line }
        do throws(LineChannel.Failure) {
            while true {
                let line = String(decoding: try channel.line(by: Deadline(in: .seconds(60))), as: UTF8.self)
                if let verdict = Verdict(line: line) { return .verdict(verdict, left: left) }
                left.append(line)
            }
        } catch {
            // The guardian was killed. This command cleans up after it, as any command would.
            return .verdict(.abandoned, left: left)
        }
    }

    /// Runs this program again as the guardian, which inherits the journal's lock and one end of a new socket.
    private static func startGuardian(
        _ journal: borrowing ChangeJournal, at path: FilePath, limit: Duration
    ) throws(VMError) -> LineChannel {
        var ends: [CInt] = [0, 0]
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw .system(Errno(rawValue: errno), "kvmctl net guard", "can't make a socket for it")
        }
        let own = OwnedDescriptor(FileDescriptor(rawValue: ends[0]))
        let other = OwnedDescriptor(FileDescriptor(rawValue: ends[1]))
        let words = ["kvmctl", "net", "guard", path.string, "\(limit.components.seconds)s"]
        let result = withArguments(words) { clinux_spawn_self($0, other.rawValue, journal.descriptor.rawValue) }
        guard result >= 0 else {
            throw .system(Errno(rawValue: -result), "kvmctl net guard", "can't be started; nothing was changed")
        }
        return LineChannel(own)
    }

    private static func withArguments(
        _ words: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> CInt
    ) -> CInt {
        let pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { pointers.forEach { free($0) } }
        return body(pointers)
    }
}

extension Trial {
    /// Keeps the change on trial to one bridge, or all changes on trial.
    ///
    /// - Parameter isDry: only report which.
    /// - Throws: `.notFound` if there is none.
    package static func keep(
        _ bridge: InterfaceName?, _ paths: Paths, isDry: Bool = false
    ) throws(VMError) -> [InterfaceName] {
        let kept = try ChangeJournal.keep(bridge, in: paths, isDry: isDry)
        guard kept.isEmpty else { return kept }
        throw VMError(
            .notFound, bridge?.description ?? "network",
            "no change to it is on trial, or it has been rolled back by now",
            remedy: "\(command: "kvmctl net show") shows its present state")
    }

    /// Whether a change to a bridge is on trial or in progress.
    package static func isOn(_ bridge: InterfaceName, _ paths: Paths) -> Bool {
        ChangeJournal.isOpen(bridge, in: paths)
    }

    /// The seconds left of the trial of a change to a bridge; nil if none is on trial, or if the caller may not look.
    package static func secondsLeft(_ bridge: InterfaceName, _ paths: Paths) -> Int64? {
        ChangeJournal.secondsLeft(bridge, in: paths)
    }

    /// Rolls back or completes the changes that a killed kvmctl left unconfirmed or half made.
    ///
    /// - Returns: what was done, for people, and what failed.
    package static func settleLeftovers(_ paths: Paths) -> (done: [String], failures: [VMError]) {
        do throws(VMError) {
            let swept = try ChangeJournal.sweep(paths)
            let done = swept.filter(\.settlement.failures.isEmpty).map { bridge, settlement in
                let what = settlement.isCompleted ? "completed" : "rolled back"
                return "\(bridge): a change was \(what), because the kvmctl command that made it did not finish it"
            }
            return (done, swept.flatMap(\.settlement.failures))
        } catch { return ([], [error]) }
    }
}
