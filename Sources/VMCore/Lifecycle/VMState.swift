import SystemPackage

/// What a VM is doing (DESIGN §2.2).
public enum VMState: String, CaseIterable, Sendable {
    /// No QEMU, and the last one ended in order.
    case stopped
    /// QEMU is there and the machine has not run yet.
    case starting
    /// The machine runs.
    case running
    /// The machine is there and stands still.
    case paused
    /// Its state was saved to a file and QEMU ended.
    case suspended
    /// The guest put itself to sleep (ACPI S3).
    case sleeping
    /// QEMU ended without a word.
    case crashed
    /// QEMU is there and does not answer.
    case unresponsive
    /// The caller may not look.
    case unknown

    /// Whether there is a QEMU process.
    public var isAlive: Bool {
        switch self {
        case .starting, .running, .paused, .sleeping, .unresponsive: true
        case .stopped, .suspended, .crashed, .unknown: false
        }
    }
}

/// What can be seen of a VM without asking it: the lock, who holds it, the flight record.
struct Observation {
    var state: VMState
    var holder: ProcessIdentity?
    /// Why the last run ended, in QEMU's word, where it did.
    var endReason: String?

    /// Looks at a VM by the kernel's lock first; nothing that could be stale is believed.
    init(_ name: VMName, in paths: Paths) {
        let directory = RuntimeDirectory(name, in: paths)
        do throws(Errno) {
            let isLocked = try directory.openLockIfThere()?.isLocked(0) ?? false
            let record = FlightRecord(reading: paths.record(name))
            let holder = directory.holder
            switch holder?.life {
            case _ where !isLocked, .ending: self = .gone(record)
            case .running: self = .alive(record, holder: holder)
            // The lock is taken, and nobody has signed yet: what the last run left says nothing of this one.
            case .gone, nil: self.init(state: .starting)
            }
        } catch {
            self.init(state: .unknown)
        }
    }

    init(state: VMState, holder: ProcessIdentity? = nil, endReason: String? = nil) {
        self.state = state
        self.holder = holder
        self.endReason = endReason
    }

    private static func alive(_ record: FlightRecord?, holder: ProcessIdentity?) -> Observation {
        let state: VMState =
            switch record?.phase {
            case nil, .notStarted: .starting
            case .running: .running
            case .paused: .paused
            case .sleeping: .sleeping
            // QEMU has said its last word and is about to go; until then the VM is there.
            case .ended: .running
            }
        return Observation(state: state, holder: holder)
    }

    private static func gone(_ record: FlightRecord?) -> Observation {
        guard let record else { return Observation(state: .stopped) }
        switch record.phase {
        case .notStarted: return Observation(state: .stopped)
        case .running, .paused, .sleeping: return Observation(state: .crashed)
        case .ended(let reason):
            return Observation(state: .stopped, endReason: reason)
        }
    }
}
