import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Waits for events of a VM by following its flight record.
///
/// The monitor stays free for other commands meanwhile, however long it takes. A killed command loses nothing: QEMU goes on,
/// and the next command reads what became of it.
struct EventWatch: ~Copyable {
    /// How a wait ended.
    enum End<Found: Equatable>: Equatable {
        /// This is what was waited for.
        case found(Found)
        /// QEMU has ended, and did not record it.
        case ended
        /// The deadline passed.
        case timedOut
    }

    private var record: LogReader
    private let process: ProcessHandle
    /// Becomes readable when the record grows (inotify(7)); nil if the kernel has none left.
    private let changes: LogNotices?
    /// The beginning of a line that is not complete yet.
    private var line: [UInt8] = []

    /// The longest line that is read, in bytes.
    private static let longest = 1 << 20
    /// How often the record is read without a sign that it grew.
    private static let interval = Duration.milliseconds(200)

    /// Sees what happens from now on. So it begins before the command is sent whose effect is waited for.
    ///
    /// - Parameter loss: what a VM that does not run lacks, for the error.
    /// - Throws: `.busy` if the VM is not running; why its record can't be read.
    init(_ vm: Machine, or loss: String) throws(VMError) {
        guard let holder = try vm.running(or: loss).holder, let process = try vm.process(holder) else {
            throw vm.notRunning(so: loss)
        }
        try self.init(vm, process)
    }

    /// - Parameter process: the VM's QEMU.
    init(_ vm: Machine, _ process: consuming ProcessHandle) throws(VMError) {
        self.process = process
        record = try LogReader(.record, of: vm, lastLines: 0, followsNextRun: false)
        changes = try? LogNotices([vm.paths.record(vm.name)])
    }

    /// Waits for an event.
    ///
    /// - Parameter find: the result of the wait, if this is the event; else nil.
    /// - Throws: why the record can't be read.
    mutating func wait<Found>(
        by deadline: Deadline, for find: (MonitorEvent) -> Found?
    ) throws(VMError) -> End<Found> {
        while true {
            // In this order: once QEMU has ended, all that it recorded is in the file.
            let hasEnded = process.waitForEnd(by: Deadline(in: .zero))
            while let event = try next() {
                if let found = find(event) { return .found(found) }
                if deadline.hasPassed { return .timedOut }
            }
            if hasEnded { return .ended }
            if deadline.hasPassed { return .timedOut }
            pauseUntilSomethingHappens(by: deadline)
        }
    }

    /// The next event that kvmctl acts on; nil: no more have happened.
    private mutating func next() throws(VMError) -> MonitorEvent? {
        while true {
            while let end = line.firstIndex(of: UInt8(ascii: "\n")) {
                defer { line.removeSubrange(...end) }
                if case .event(let event)? = QMPMessage(line: line[..<end]), let known = MonitorEvent(event) {
                    return known
                }
            }
            let bytes = try record.next()
            if bytes.isEmpty { return nil }
            line += bytes
            // No event is that long; what comes next is read as a new line.
            if line.count > Self.longest { line = [] }
        }
    }

    private func pauseUntilSomethingHappens(by deadline: Deadline) {
        let limit = min(Self.interval, deadline.remaining)
        switch changes {
        case nil: pause(min(limit, .milliseconds(20)))
        case .some(let changes):
            var set = [changes.descriptor, process.descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            poll(&set, nfds_t(set.count), CInt(clamping: limit.wholeMilliseconds))
            changes.clear()
        }
    }
}

extension Machine {
    /// Waits until a job of its QEMU's has ended, and dismisses it.
    ///
    /// - Returns: the job; nil if there is none, as when another command has dismissed it.
    /// - Throws: `.timedOut` if it has not ended by the deadline; `.unavailable` if QEMU has; why it can't be told.
    func waitForJob(_ id: String, by deadline: Deadline) throws(VMError) -> Job? {
        let loss = "the job \(id) has ended with it"
        var watch = try EventWatch(self, or: loss)
        while true {
            guard let job = try ask(.jobs, by: deadline).first(where: { $0.id == id }) else { return nil }
            if job.status == .concluded {
                try ask(.dismiss(job: id), by: deadline)
                return job
            }
            let end = try watch.wait(by: deadline) { event -> Job.Status? in
                if case .job(id, let status) = event, status == .concluded || status == .gone { status } else { nil }
            }
            switch end {
            case .found: continue
            case .ended: throw notRunning(so: loss)
            case .timedOut:
                throw VMError(
                    .timedOut, name.description, "the job \(id) has not ended: \(job.current) of \(job.total) done",
                    remedy: "it goes on by itself")
            }
        }
    }
}
