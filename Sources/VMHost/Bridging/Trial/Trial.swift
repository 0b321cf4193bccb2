import BridgeKernel
import BridgeNet
import CLinux
import Glibc
import SystemPackage
import VMCore

/// A change to the host's network that is taken back unless somebody confirms it: the side of the command that makes it.
/// Whatever becomes of this process, the guardian sees to the change; and if that is killed too, the next command of
/// root's does.
package struct Trial: ~Copyable {
    private var channel: LineChannel

    /// What happens while a change is on trial.
    package enum Event: Equatable, Sendable {
        /// Nothing, for as long as was waited.
        case quiet
        /// Somebody typed a line.
        case line
        /// There is a verdict; with what could not be taken back.
        case verdict(Verdict, left: [String])
    }

    /// Starts the guardian, and makes the change.
    ///
    /// - Parameters:
    ///   - limit: For how long the change is on trial.
    ///   - change: Makes it.
    init(
        _ journal: consuming ChangeJournal, at path: FilePath, limit: Duration,
        change: () throws(BridgeChange.Failure) -> Void
    ) throws(VMError) {
        var channel = try Self.startGuardian(journal, at: path, limit: limit)
        do throws(LineChannel.Failure) { _ = try channel.line(by: Deadline(in: .seconds(20))) } catch {
            journal.close()
            throw VMError(
                .unavailable, "kvmctl net guard",
                "the process that would take the change back did not start; nothing was changed")
        }
        do throws(BridgeChange.Failure) { try change() } catch {
            // What is left the guardian undoes, as soon as this command has ended.
            if error.isUndone { journal.close() }
            throw error.error
        }
        // A guardian that is gone by now shows at the first wait.
        try? channel.send("made", by: Deadline(in: .seconds(5)))
        self.channel = channel
    }

    /// Waits for what happens next.
    ///
    /// - Parameter input: A terminal that the user may press Enter on.
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
            // Killed: as any command would, this one sees to what it left.
            return .verdict(.abandoned, left: left)
        }
    }

    /// Runs this program again as the guardian, which gets the journal's lock and one end of a new line.
    private static func startGuardian(
        _ journal: borrowing ChangeJournal, at path: FilePath, limit: Duration
    ) throws(VMError) -> LineChannel {
        var ends: [CInt] = [0, 0]
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw .system(Errno(rawValue: errno), "kvmctl net guard", "no line to it can be made")
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
    /// Keeps what is on trial: the change to one bridge, or all.
    ///
    /// - Parameter isDry: only says what it would keep.
    /// - Throws: `.notFound` where nothing is.
    package static func keep(
        _ bridge: InterfaceName?, _ paths: Paths, isDry: Bool = false
    ) throws(VMError) -> [InterfaceName] {
        let kept = try ChangeJournal.keep(bridge, in: paths, isDry: isDry)
        guard kept.isEmpty else { return kept }
        throw VMError(
            .notFound, bridge?.description ?? "network",
            "no change to it is on trial, or it has been taken back by now",
            remedy: "\(command: "kvmctl net show") says how it is now")
    }

    /// Whether a change to a bridge is on trial, or just being made.
    package static func isOn(_ bridge: InterfaceName, _ paths: Paths) -> Bool {
        ChangeJournal.isOpen(bridge, in: paths)
    }

    /// For how many seconds a change to a bridge is still on trial; nil where none is, or the caller may not look.
    package static func secondsLeft(_ bridge: InterfaceName, _ paths: Paths) -> Int64? {
        ChangeJournal.secondsLeft(bridge, in: paths)
    }

    /// Undoes or completes the changes that a kvmctl which was killed has left unconfirmed or half made.
    ///
    /// - Returns: What was done, in words, and what could not be.
    package static func settleLeftovers(_ paths: Paths) -> (done: [String], failures: [VMError]) {
        do throws(VMError) {
            let swept = try ChangeJournal.sweep(paths)
            let done = swept.filter(\.settlement.failures.isEmpty).map { bridge, settlement in
                let what = settlement.isCompleted ? "completed" : "taken back"
                return "\(bridge): a change was \(what), because the kvmctl that made it did not end it"
            }
            return (done, swept.flatMap(\.settlement.failures))
        } catch { return ([], [error]) }
    }
}
