import CLinux
import Glibc
import SystemPackage

/// Which process: its pid and, since pids come again, when it started.
public struct ProcessIdentity: Hashable, Sendable {
    /// Its pid.
    public var pid: Int32
    /// When it started, in clock ticks since boot (proc_pid_stat(5), field 22).
    public var startTime: Int64

    /// Reads `PID STARTTIME`, as the lock file of a running VM holds it.
    init?(_ text: some StringProtocol) {
        let words = text.split(whereSeparator: \.isWhitespace)
        // The limit: what is computed with it must not overflow, whoever wrote it.
        guard words.count == 2, let pid = Int32(words[0]), pid > 0, let start = Int64(words[1]),
            (0...Int64.max / 1000).contains(start)
        else { return nil }
        self.pid = pid
        startTime = start
    }

    /// What has become of a process.
    enum Life: Equatable {
        case running
        /// It was killed, or is on its way out: its memory and its descriptors may go only after a while.
        case ending
        case gone
    }

    /// What has become of it.
    var life: Life {
        var found = clinux_process()
        let result = clinux_process_look(pid, &found)
        guard result == 0 else {
            // A /proc that hides other users' processes (hidepid of proc(5)) tells nothing.
            return kill(pid, 0) != 0 && errno == EPERM ? .running : .gone
        }
        guard found.start_time == startTime else { return .gone }
        return found.is_ending ? .ending : .running
    }

    /// How long ago it started.
    public var age: Duration {
        var now = timespec()
        clock_gettime(CLOCK_BOOTTIME, &now)
        let ticksPerSecond = Int64(sysconf(Int32(_SC_CLK_TCK)))
        let milliseconds = Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
        return .milliseconds(max(0, milliseconds - startTime * 1000 / ticksPerSecond))
    }
}

/// A process held by a pidfd: signals can't go to another one that got its pid.
struct ProcessHandle: ~Copyable {
    private let pidfd: OwnedDescriptor

    /// Takes hold of a process, if it is still the one that is meant.
    init?(_ identity: ProcessIdentity) {
        guard let pidfd = try? OwnedDescriptor(returned: clinux_pidfd_open(identity.pid)),
            identity.life != .gone
        else { return nil }
        self.pidfd = pidfd
    }

    /// Takes hold of the process that has this pid, if it is the one that is meant.
    ///
    /// - Parameter isMeant: is asked once it is held, so that the answer is about this very process.
    init?(pid: Int32, where isMeant: () -> Bool) {
        guard let pidfd = try? OwnedDescriptor(returned: clinux_pidfd_open(pid)), isMeant() else { return nil }
        self.pidfd = pidfd
    }

    /// Takes hold of a child, whose pid can't be another's until it is reaped.
    init?(_ child: Child) {
        guard let pidfd = try? OwnedDescriptor(returned: clinux_pidfd_open(child.pid)) else { return nil }
        self.pidfd = pidfd
    }

    func signal(_ number: CInt) {
        // The only failure there can be is that it is gone already.
        _ = clinux_pidfd_signal(pidfd.rawValue, number)
    }

    /// Waits until the process has ended. False where the deadline passed first.
    func waitForEnd(by deadline: Deadline) -> Bool {
        while true {
            var poll = pollfd(fd: pidfd.rawValue, events: Int16(POLLIN), revents: 0)
            let ready = Glibc.poll(&poll, 1, deadline.milliseconds)
            if ready > 0 { return true }
            if ready == 0 { return false }
        }
    }
}
