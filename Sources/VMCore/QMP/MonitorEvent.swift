/// An event of QEMU's monitor that kvmctl acts on (QEMU, docs/interop/qemu-qmp-ref). This is the only place where the names
/// of events mean something.
package enum MonitorEvent: Equatable, Sendable {
    /// The processors run: `RESUME`, `WAKEUP`.
    case runs
    /// They stand still: `STOP`.
    case paused
    /// The guest went to ACPI S3: `SUSPEND`.
    case sleeps
    /// They run, and kvmctl has adopted their QEMU, which records nothing: a `RESUME` that kvmctl wrote.
    case adopted
    /// QEMU is about to exit, for this reason: `guest-shutdown`, `host-qmp-quit`, … (ShutdownCause).
    case ends(reason: String)
    /// A disk failed, and QEMU halts the processors.
    case diskFailed(PauseReason)
    /// The guest has let go of a device, which is gone.
    case deviceDeleted(id: String)
    /// The guest did not let go of a device, which stays.
    case unplugRefused(id: String)
    /// A CD drive's tray was opened or closed, by the guest or from here.
    case trayMoved(id: String, isOpen: Bool)
    /// A job has another status.
    case job(id: String, Job.Status)

    /// A migration is at another point.
    case migration(Migration.Status)

    /// The names of the events that tell what the machine is doing.
    package static let phases = ["RESUME", "WAKEUP", "STOP", "SUSPEND", "SHUTDOWN"]

    /// The name of the event of a disk that failed.
    package static let diskFailure = "BLOCK_IO_ERROR"

    /// Reads an event; nil for one that kvmctl does not act on.
    package init?(_ event: QMPEvent) {
        switch event.name {
        case "RESUME" where event.data["adopted"] != nil: self = .adopted
        case "RESUME", "WAKEUP": self = .runs
        case "STOP": self = .paused
        case "SUSPEND": self = .sleeps
        case "SHUTDOWN": self = .ends(reason: event.data["reason"]?.string ?? "unknown")
        case Self.diskFailure:
            guard let reason = PauseReason(blockError: event.data) else { return nil }
            self = .diskFailed(reason)
        case "DEVICE_DELETED":
            guard let id = event.data["device"]?.string else { return nil }
            self = .deviceDeleted(id: id)
        case "DEVICE_UNPLUG_GUEST_ERROR":
            guard let id = event.data["device"]?.string else { return nil }
            self = .unplugRefused(id: id)
        case "DEVICE_TRAY_MOVED":
            guard let id = event.data["id"]?.string, let isOpen = event.data["tray-open"]?.bool else { return nil }
            self = .trayMoved(id: id, isOpen: isOpen)
        case "JOB_STATUS_CHANGE":
            guard let id = event.data["id"]?.string, let status = event.data["status"]?.string else { return nil }
            self = .job(id: id, Job.Status(status))
        case "MIGRATION":
            guard let status = event.data["status"]?.string else { return nil }
            self = .migration(Migration.Status(status))
        default: return nil
        }
    }
}

/// A job of QEMU's: work that goes on while the monitor is free (`JobInfo`).
package struct Job: Equatable, Sendable {
    /// How far a job is (QEMU, qapi/job.json, JobStatus), as far as it matters to the one who waits for it.
    package enum Status: Equatable, Sendable {
        /// It works, or will go on by itself.
        case working
        /// It waits for `job-complete`.
        case ready
        /// It waits for `job-finalize`.
        case pending
        /// It has ended, and waits for `job-dismiss`.
        case concluded
        /// It is gone.
        case gone

        /// From QEMU's word. An unknown one, of a later QEMU, is a job that has not ended.
        package init(_ name: String) {
            self =
                switch name {
                case "ready", "standby": .ready
                case "pending": .pending
                case "concluded": .concluded
                case "null": .gone
                default: .working
                }
        }
    }

    /// Its id.
    package let id: String
    /// How far it is.
    package let status: Status
    /// How much is done, in units of its own, as `total`.
    package let current: Int64
    /// How much that will be in the end; an estimate.
    package let total: Int64
    /// Why it failed, in QEMU's words; nil if it did not, or has not ended.
    package let failure: String?

    init?(_ json: JSON) {
        guard let id = json["id"]?.string, let status = json["status"]?.string else { return nil }
        (self.id, self.status) = (id, Status(status))
        current = json["current-progress"]?.integer ?? 0
        total = json["total-progress"]?.integer ?? 0
        failure = json["error"]?.string
    }
}

extension QMPRequest<[Job]> {
    /// The jobs, those that have ended and were not dismissed too.
    package static var jobs: Self { .init("query-jobs") { $0.array?.compactMap { Job($0) } } }
}

extension QMPRequest<Void> {
    /// Forgets a job that has ended.
    package static func dismiss(job id: String) -> Self { .init("job-dismiss", ["id": .string(id)]) }
}
