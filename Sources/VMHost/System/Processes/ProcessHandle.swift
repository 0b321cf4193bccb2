import BridgeKernel
import CLinux
import Glibc
import SystemPackage

/// Which process: its pid and, since pids are reused, its start time.
package struct ProcessIdentity: Hashable, Sendable {
    /// Its pid.
    package var pid: Int32
    /// When it started, in clock ticks since boot (proc_pid_stat(5), field 22).
    package var startTime: Int64
    /// Where these two are valid; nil if it was not recorded, as in earlier versions of kvmctl.
    var realm: Realm?

    /// Where a pid and a start time are unique: a pid namespace during one boot of the host.
    struct Realm: Hashable, Sendable {
        /// The namespace's inode (namespaces(7)).
        var pidNamespace: Int64
        /// The boot's id (proc_sys_kernel(5), random/boot_id).
        var boot: String

        /// This process's realm; nil if it can't be determined.
        static let own = try? Realm(pidNamespace: BootAndNamespaces.pidNamespace(), boot: BootAndNamespaces.boot())
    }

    /// The process that has this pid now; nil if it has ended or is ending.
    init?(current pid: Int32) throws(Errno) {
        var found = clinux_process()
        let result = clinux_process_look(pid, &found)
        guard result == 0 || result == -ESRCH else { throw Errno(rawValue: -result) }
        guard result == 0, !found.is_ending else { return nil }
        self.pid = pid
        startTime = found.start_time
        realm = .own
    }

    /// Parses `PID STARTTIME NAMESPACE BOOT`, as a VM's process writes it (CLinux, launch.c).
    package init?(_ text: some StringProtocol) {
        let words = text.split(whereSeparator: \.isWhitespace)
        // The limit keeps computations with an untrusted value from overflowing.
        guard words.count == 2 || words.count == 4, let pid = Int32(words[0]), pid > 0, let start = Int64(words[1]),
            (0...Int64.max / 1000).contains(start)
        else { return nil }
        self.pid = pid
        startTime = start
        guard words.count == 4 else { return }
        guard let namespace = Int64(words[2]) else { return nil }
        realm = Realm(pidNamespace: namespace, boot: String(words[3]))
    }

    /// What the initializer parses.
    var text: String { "\(pid) \(startTime)" + (realm.map { " \($0.pidNamespace) \($0.boot)" } ?? "") + "\n" }

    /// The state of a process.
    package enum Life: Equatable {
        case running
        /// It was killed or is exiting. Its memory and descriptors may be released only after a while.
        case ending
        case gone
        /// There is a process with that pid, but whether it is this one can't be determined from here.
        case unclear
    }

    /// Its present state.
    package var life: Life {
        if let realm {
            guard let own = Realm.own else { return .unclear }
            guard realm.boot == own.boot else { return .gone }
            // Its pid means nothing in this namespace, as in a container that shares the run-time directory.
            guard realm.pidNamespace == own.pidNamespace else { return .unclear }
        }
        var found = clinux_process()
        guard clinux_process_look(pid, &found) == 0 else {
            // A /proc that is not mounted, or hides other users' processes (hidepid of proc(5)), tells nothing.
            return kill(pid, 0) != 0 && errno == ESRCH ? .gone : .unclear
        }
        guard found.start_time == startTime else { return .gone }
        return found.is_ending ? .ending : .running
    }

    /// The time since it started.
    package var age: Duration {
        let ticksPerSecond = Int64(sysconf(Int32(_SC_CLK_TCK)))
        return max(.zero, BootClock.now - .milliseconds(startTime * 1000 / ticksPerSecond))
    }
}

/// A process held by a pidfd: signals can't reach another process that got its pid.
package struct ProcessHandle: ~Copyable {
    /// Its pid, which may be reused once it has ended.
    package let pid: Int32
    private let pidfd: OwnedDescriptor

    private init(_ pid: Int32, _ pidfd: consuming OwnedDescriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    /// Opens a process; nil if it is gone, or can't be told apart from another one.
    package static func hold(_ identity: ProcessIdentity) throws(Errno) -> ProcessHandle? {
        try hold(identity.pid) { () throws(Errno) in [.running, .ending].contains(identity.life) }
    }

    /// Opens the process with this pid if it is the one meant.
    ///
    /// - Parameter isMeant: called once the process is held, so that the answer is about this very process.
    static func hold(_ pid: Int32, where isMeant: () throws(Errno) -> Bool) throws(Errno) -> ProcessHandle? {
        do throws(Errno) {
            let pidfd = try OwnedDescriptor(returned: clinux_pidfd_open(pid))
            return try isMeant() ? ProcessHandle(pid, pidfd) : nil
        } catch .noSuchProcess {
            return nil
        }
    }

    /// Opens a child, whose pid can't be reused until it is reaped.
    package static func hold(_ child: Child) throws(Errno) -> ProcessHandle {
        ProcessHandle(child.pid, try OwnedDescriptor(returned: clinux_pidfd_open(child.pid)))
    }

    package var descriptor: CInt { pidfd.rawValue }

    package func signal(_ number: CInt) {
        // The only possible failure is that it is gone already.
        _ = clinux_pidfd_signal(pidfd.rawValue, number)
    }

    /// Waits until the process has ended; false if the deadline passed first.
    package func waitForEnd(by deadline: Deadline) -> Bool {
        while true {
            var poll = pollfd(fd: pidfd.rawValue, events: Int16(POLLIN), revents: 0)
            let ready = Glibc.poll(&poll, 1, deadline.milliseconds)
            if ready > 0 { return true }
            if ready == 0 { return false }
            // Interrupted, or the kernel is short of memory for the moment.
            if deadline.hasPassed { return false }
            if errno != EINTR { pause(.milliseconds(5)) }
        }
    }
}
