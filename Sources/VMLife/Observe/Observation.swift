import SystemPackage
import VMCore
import VMHost

/// What can be seen of a VM without asking it: whether it lives, as which process, and the flight record.
struct Observation {
    var state: VMState
    var holder: ProcessIdentity?
    /// Why the last run ended, in QEMU's word, where it did.
    var endReason: String?
    /// What could not be looked at: of a VM whose state is `unknown`, what keeps that from being known; of one that is there,
    /// what would tell more.
    var obstacle: VMError?
    /// Whether it runs on though somebody removed what says so, and its record alone tells of it (StrayMachine).
    var isStray = false

    /// Looks at a VM. What can't be looked at is not taken for what is not there.
    ///
    /// - Parameter inTurn: whether the caller has the operation's turn: then nobody is starting it.
    init(_ name: VMName, in paths: Paths, inTurn: Bool = false) {
        let life = RuntimeDirectory(name, in: paths).life
        do throws(Errno) {
            switch try life.signs(inTurn: inTurn) {
            case .none:
                let record = Self.record(name, paths)
                self = .gone(record)
                try lookForStray(of: record, at: paths.record(name), life)
            // What the last run left says nothing of this one.
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
        state: VMState, holder: ProcessIdentity? = nil, endReason: String? = nil, obstacle: VMError? = nil
    ) {
        self.state = state
        self.holder = holder
        self.endReason = endReason
        self.obstacle = obstacle
    }

    /// Whether there is a QEMU process.
    ///
    /// - Throws: why that can't be told. Nothing may be done then that takes a VM for ended.
    var isAlive: Bool {
        get throws(VMError) {
            if state == .unknown, let obstacle { throw obstacle }
            return state.isAlive
        }
    }

    /// Nothing says that it lives. Where its record says that it ran on, or there is neither, somebody may have removed what
    /// would.
    private mutating func lookForStray(
        of record: Result<FlightRecord?, VMError>, at path: FilePath, _ life: VMLock
    ) throws(Errno) {
        let signer = try life.signer
        let isLost = endReason == nil && signer == nil
        guard state != .stopped || isLost, let holder = try StrayMachine.holding(path) else { return }
        if let place = StrayMachine.runTimeFiles(of: holder, at: path), try !isSameFile(place, life.directory) {
            // Not removed: this caller looks for them in another place, and could only take the guest's power.
            self = Observation(state: .unknown, holder: holder, obstacle: .elsewhere(holder, place))
            return
        }
        self = .alive(record, holder: holder)
        // Without a record nothing says that it did not run.
        if case .success(nil) = record { state = .running }
        isStray = true
    }

    /// A VM of which nothing at all is left where kvmctl keeps it may still be seen by the disks that its QEMU has open.
    ///
    /// - Parameter disks: is asked for them only where there is such a QEMU.
    mutating func lookForStray(of name: VMName, holding disks: () -> [FilePath]) {
        guard state == .stopped, endReason == nil else { return }
        do throws(Errno) {
            guard let holder = try StrayMachine.holding(disks: disks, of: name) else { return }
            self = Observation(state: .running, holder: holder)
            isStray = true
        } catch {
            self = Observation(
                state: .unknown, obstacle: .system(error, name.description, "whether it runs can't be seen in /proc"))
        }
    }

    private static func alive(_ record: Result<FlightRecord?, VMError>, holder: ProcessIdentity?) -> Observation {
        switch record {
        // That it is there is certain; how it is, QEMU can still say.
        case .failure(let error): Observation(state: .running, holder: holder, obstacle: error)
        case .success(let record): Observation(state: alive(record?.phase), holder: holder)
        }
    }

    private static func alive(_ phase: FlightRecord.Phase?) -> VMState {
        switch phase {
        case nil, .notStarted: .starting
        case .running: .running
        case .paused: .paused
        case .sleeping: .sleeping
        // QEMU has said its last word and is about to go; until then the VM is there.
        case .ended: .running
        }
    }

    private static func gone(_ record: Result<FlightRecord?, VMError>) -> Observation {
        switch record {
        // Whether it ended, or runs on with its lock removed, is what the record would say.
        case .failure(let error): Observation(state: .unknown, obstacle: error)
        case .success(let record): gone(record)
        }
    }

    private static func gone(_ record: FlightRecord?) -> Observation {
        guard let record else { return Observation(state: .stopped) }
        if case .ended(let reason) = record.phase { return Observation(state: .stopped, endReason: reason) }
        return Observation(state: record.isOpen ? .crashed : .stopped)
    }
}

extension VMError {
    /// Why nothing can be done to a VM that runs, and whose run-time files are not where the caller looks.
    fileprivate static func elsewhere(_ process: ProcessIdentity, _ place: FilePath) -> VMError {
        VMError(
            .busy, place.lastComponent?.string ?? place.string,
            "it runs, pid \(process.pid), with its run-time files in \(place), which is not where this command looks",
            remedy: "run kvmctl with the XDG_RUNTIME_DIR, or KVMCTL_RUN, that it was started with")
    }

    /// Why it can't be seen whether a VM runs.
    fileprivate static func unseen(_ name: VMName, _ errno: Errno, _ paths: Paths) -> VMError {
        switch errno {
        case .permissionDenied, .notPermitted:
            VMError(
                .denied, name.description, "belongs to another user: whether it runs can't be seen",
                remedy: "run kvmctl as that user, or as root")
        default:
            .system(errno, name.description, "whether it runs can't be seen in \(paths.machines)")
        }
    }
}
