import SystemPackage
import VMCore
import VMHost

/// What can be observed of a VM without asking it: whether it is alive, as which process, and its flight record.
struct Observation {
    var state: VMState
    var holder: ProcessIdentity?
    /// Why the last run ended, in QEMU's term, if it did.
    var endReason: String?
    /// The disk failure that halted it, if it is paused and its record tells of one.
    var diskFailure: PauseReason?
    /// What could not be read: why the state is `unknown`, or, if the VM is alive, why details are missing.
    var obstacle: VMError?
    /// Whether it still runs although its run-time files were removed (OrphanedQEMU).
    var isStray = false

    fileprivate init(of vm: Machine, holdingOperation: Bool) {
        let (name, paths, life) = (vm.name, vm.paths, vm.directory.life)
        do throws(Errno) {
            switch try life.signs(holdingOperation: holdingOperation) {
            case .none:
                let record = Self.record(name, paths)
                self = .gone(record)
                try lookForStray(of: record, at: paths.record(name), life)
            // The last run's record says nothing about this run.
            case .starting: self.init(state: .starting)
            case .alive(let holder): self = .alive(Self.record(name, paths), holder: holder)
            }
        } catch {
            self.init(state: .unknown, obstacle: .unseen(name, error, paths))
        }
    }

    private static func record(_ name: VMName, _ paths: Paths) -> Result<FlightRecord?, VMError> {
        Result { () throws(VMError) in try FlightRecord.read(paths.record(name)) }
    }

    init(
        state: VMState, holder: ProcessIdentity? = nil, endReason: String? = nil, diskFailure: PauseReason? = nil,
        obstacle: VMError? = nil
    ) {
        self.state = state
        self.diskFailure = diskFailure
        self.holder = holder
        self.endReason = endReason
        self.obstacle = obstacle
    }

    /// Whether there is a QEMU process.
    ///
    /// - Throws: why that can't be told. Nothing may be done then that relies on the VM having ended.
    var isAlive: Bool {
        get throws(VMError) {
            if state == .unknown, let obstacle { throw obstacle }
            return state.isAlive
        }
    }

    /// Called if nothing says that the VM is alive. If its record does not say that it ended, or nothing is left of it,
    /// its run-time files may have been removed while it ran.
    private mutating func lookForStray(
        of record: Result<FlightRecord?, VMError>, at path: FilePath, _ life: VMLock
    ) throws(Errno) {
        let signer = try life.signer
        let isLost = endReason == nil && signer == nil
        guard state != .stopped || isLost, let holder = try OrphanedQEMU.holding(path) else { return }
        if let place = OrphanedQEMU.runTimeFiles(of: holder, at: path), try !isSameFile(place, life.directory) {
            // They were not removed: this caller looks for them elsewhere, and could only cut the guest's power.
            self = Observation(state: .unknown, holder: holder, obstacle: .elsewhere(holder, place))
            return
        }
        self = .alive(record, holder: holder)
        // Without a record nothing says that it did not run.
        if case .success(nil) = record { state = .running }
        isStray = true
    }

    /// A VM of which kvmctl's places hold nothing any more may still be found by the disks that its QEMU has open.
    ///
    /// - Parameter disks: the VM's disks; only called if there is such a QEMU.
    mutating func lookForStray(of name: VMName, holding disks: () -> [FilePath]) {
        guard state == .stopped, endReason == nil else { return }
        do throws(Errno) {
            guard let holder = try OrphanedQEMU.holding(disks: disks, of: name) else { return }
            self = Observation(state: .running, holder: holder)
            isStray = true
        } catch {
            self = Observation(
                state: .unknown, obstacle: .system(error, name.description, "can't tell from /proc whether it runs"))
        }
    }

    private static func alive(_ record: Result<FlightRecord?, VMError>, holder: ProcessIdentity?) -> Observation {
        switch record {
        // It is certainly alive; its state can still be asked of QEMU.
        case .failure(let error): Observation(state: .running, holder: holder, obstacle: error)
        case .success(let record):
            Observation(state: alive(record?.phase), holder: holder, diskFailure: record?.diskFailure)
        }
    }

    private static func alive(_ phase: FlightRecord.Phase?) -> VMState {
        switch phase {
        case nil, .notStarted: .starting
        case .running, .adopted: .running
        case .paused: .paused
        case .sleeping: .sleeping
        // QEMU has recorded its end and is about to exit; until then the VM is alive.
        case .ended: .running
        }
    }

    private static func gone(_ record: Result<FlightRecord?, VMError>) -> Observation {
        switch record {
        // Only the record would tell whether it ended, or still runs with its lock file removed.
        case .failure(let error): Observation(state: .unknown, obstacle: error)
        case .success(let record): gone(record)
        }
    }

    private static func gone(_ record: FlightRecord?) -> Observation {
        guard let record else { return Observation(state: .stopped) }
        if case .ended(let reason) = record.phase {
            return Observation(state: ShutdownCause(reason) == .panic ? .crashed : .stopped, endReason: reason)
        }
        return Observation(state: record.isOpen ? .crashed : .stopped)
    }
}

extension Machine {
    /// Observes the VM. What can't be read is not taken for absent.
    ///
    /// - Parameter holdingOperation: whether the caller holds the operation lock: then nobody is starting the VM.
    func observe(holdingOperation: Bool = false) -> Observation {
        Observation(of: self, holdingOperation: holdingOperation)
    }
}

extension VMError {
    /// The error for a running VM whose run-time files are not where the caller looks.
    fileprivate static func elsewhere(_ process: ProcessIdentity, _ place: FilePath) -> VMError {
        VMError(
            .busy, place.lastComponent?.string ?? place.string,
            "it is running, pid \(process.pid), with its run-time files in \(place), where this command does not look",
            remedy: "run kvmctl with the XDG_RUNTIME_DIR, or KVMCTL_RUN, that it was started with")
    }

    /// The error for a VM of which it can't be told whether it runs.
    fileprivate static func unseen(_ name: VMName, _ errno: Errno, _ paths: Paths) -> VMError {
        switch errno {
        case .permissionDenied, .notPermitted:
            VMError(
                .denied, name.description, "belongs to another user: can't tell whether it runs",
                remedy: "run kvmctl as that user, or as root")
        default:
            .system(errno, name.description, "can't tell from \(paths.machines) whether it runs")
        }
    }
}
