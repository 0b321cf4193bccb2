import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// The process in charge of a change on trial. It runs in a new session, so that it outlives the terminal and the SSH
/// session of the command that made the change. It inherits the journal, whose lock it keeps, and one end of a socket
/// to that command. The command reports there that the change is made; when it closes the socket, nobody waits for the
/// verdict any longer.
package struct Guardian: ~Copyable {
    /// The descriptors that it inherits.
    static let line: CInt = 3
    static let journal: CInt = 4

    private static let tick = Duration.milliseconds(250)
    /// How long the whole change may take. Each request has its own, much shorter limit.
    private static let changing = Duration.seconds(60)

    private var channel: LineChannel
    private let journal: ChangeJournal

    /// Takes over the descriptors that this process inherited.
    ///
    /// - Parameter path: the journal's path.
    package init(journal path: FilePath) throws(VMError) {
        signal(SIGHUP, SIG_IGN)
        signal(SIGINT, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        channel = LineChannel(OwnedDescriptor(FileDescriptor(rawValue: Self.line)))
        journal = try ChangeJournal(inherited: FileDescriptor(rawValue: Self.journal), at: path)
    }

    /// Watches until there is a verdict, and carries it out.
    ///
    /// - Parameter limit: how long the change is on trial once it is made.
    /// - Returns: the verdict and what could not be rolled back, if the command has ended and can't report them.
    package consuming func watch(for limit: Duration) -> (verdict: Verdict, failures: [VMError])? {
        var verdict = decide(limit)
        var failures: [VMError] = []
        if verdict != .kept {
            // nil: it was kept at the last moment, or it was never made and the journal was removed.
            if let settlement = journal.settle() { failures = settlement.failures } else { verdict = .kept }
        }
        do throws(LineChannel.Failure) {
            let told = Deadline(in: .seconds(5))
            for failure in failures { try channel.send("left \(failure.description)", by: told) }
            try channel.send(verdict.line, by: told)
            return nil
        } catch {
            return (verdict, failures)
        }
    }

    private mutating func decide(_ limit: Duration) -> Verdict {
        do throws(LineChannel.Failure) {
            try channel.send("ready", by: Deadline(in: Self.changing))
            _ = try channel.line(by: Deadline(in: Self.changing))
        } catch { return .abandoned }
        let deadline = Deadline(in: limit)
        guard var watch = try? GatewayWatch(journal.record.gateways, link: journal.record.identity.link) else {
            return .abandoned
        }
        while !deadline.hasPassed {
            guard journal.isOpen else { return .kept }
            if let lost = watch.look() { return .gatewayLost("\(lost)") }
            do throws(LineChannel.Failure) {
                _ = try channel.line(by: Deadline(in: min(Self.tick, deadline.remaining)))
            } catch .timedOut {
                continue
            } catch { return .abandoned }
        }
        return journal.isOpen ? .timePassed : .kept
    }
}
