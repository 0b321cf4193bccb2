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

/// What can be seen of a VM without asking it: whether it lives, as which process, and the flight record.
struct Observation {
    var state: VMState
    var holder: ProcessIdentity?
    /// Why the last run ended, in QEMU's word, where it did.
    var endReason: String?

    /// Looks at a VM.
    ///
    /// - Parameter inTurn: whether the caller has the operation's turn: then nobody is starting it.
    init(_ name: VMName, in paths: Paths, inTurn: Bool = false) {
        do throws(Errno) {
            switch try RuntimeDirectory(name, in: paths).life.signs(inTurn: inTurn) {
            case .none: self = .gone(FlightRecord(reading: paths.record(name)))
            // What the last run left says nothing of this one.
            case .starting: self.init(state: .starting)
            case .alive(let holder): self = .alive(FlightRecord(reading: paths.record(name)), holder: holder)
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
