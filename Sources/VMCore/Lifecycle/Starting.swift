import Glibc
public import SystemPackage

/// Starts a VM: from a params file to a running guest, or to nothing at all.
public struct Starting {
    let paths: Paths
    let file: VMFile
    let options: StartOptions
    let stopwatch: Stopwatch

    /// What came of a start.
    public enum Outcome: Equatable, Sendable {
        /// It runs now.
        case started(notices: [String])
        /// It ran already.
        case alreadyRunning(ProcessIdentity?)
    }

    /// Prepares to start the VM of a params file.
    public init(
        _ file: VMFile, options: StartOptions = StartOptions(), paths: Paths, stopwatch: Stopwatch = Stopwatch()
    ) {
        self.file = file
        self.stopwatch = stopwatch
        self.options = options
        self.paths = paths
    }

    private var name: VMName { file.params.name.value }
    private var directory: RuntimeDirectory { RuntimeDirectory(name, in: paths) }

    /// The plan, computed for the host as it is. Touches nothing.
    ///
    /// - Parameters:
    ///   - looking: only to be looked at: planned as root would, whoever asks, and without leaving a trace.
    ///   - ignoringTakenPorts: as if every port were free: for a VM that runs, and has them itself.
    public func plan(looking: Bool = false, ignoringTakenPorts: Bool = false) throws(VMError) -> LaunchPlan {
        let needsRoot = file.params.nics.contains { $0.network.value != .user }
        let cache = ProbeCache(directory: paths.cache, keeps: !looking)
        let probe = HostProbe(cache: cache, assumesRoot: looking && needsRoot)
        var facts = try probe.facts(for: file.params, options: options)
        if ignoringTakenPorts { facts.takenPorts = [] }
        stopwatch.lap(.probe)
        defer { stopwatch.lap(.plan) }
        do throws(PlanRefusal) { return try LaunchPlan(file.params, options: options, facts: facts) } catch {
            throw error.error(of: file.params.file)
        }
    }

    /// Starts the VM. In the foreground it returns only on failure or where the VM runs already.
    public func start() throws(VMError) -> Outcome {
        if let running = try running() { return .alreadyRunning(running.holder) }
        return try directory.operate { () throws(VMError) in
            if let running = try running() { return .alreadyRunning(running.holder) }
            try directory.removeLeftover(paths)
            let plan = try plan()
            try refuseTakenAddresses(plan)
            let ignition = Ignition(
                plan: plan, paths: paths, foreground: options.foreground, stopwatch: stopwatch)
            try ignition.light(try takeLife())
            return .started(notices: file.warnings + plan.notices)
        }
    }

    /// The VM, if it is committed; nil where there is none, or only the beginning of one.
    private func running() throws(VMError) -> Observation? {
        let seen = Observation(name, in: paths)
        guard seen.state.isAlive, seen.state != .starting else { return nil }
        if let other = Manifest(reading: directory.manifestFile)?.file, other != file.params.file.string {
            throw VMError(
                .busy, file.params.file.string, "a VM called \(name) runs already, from \(other)",
                remedy: "stop that one, or give this one another NAME")
        }
        return seen
    }

    private func takeLife() throws(VMError) -> ByteLockFile {
        let life = try directory.openLock()
        // With the operation lock held only a QEMU that is just ending can have it.
        guard try life.wait(for: .life, of: directory, by: Deadline(in: .seconds(10))) else {
            throw VMError(.busy, name.description, "its QEMU is there again", remedy: "`kvmctl show \(name)`")
        }
        return life
    }

    /// Two guests with one address on one bridge would take each other's frames.
    private func refuseTakenAddresses(_ plan: LaunchPlan) throws(VMError) {
        let wanted = Set(plan.summary.nics.map { "\($0.network) \($0.mac)" })
        guard plan.summary.nics.contains(where: { $0.network != .user }) else { return }
        for other in VMLocator(paths).startedNames() where other != name {
            guard let manifest = Manifest(reading: RuntimeDirectory(other, in: paths).manifestFile),
                let taken = manifest.nics.first(where: {
                    $0.network != "user" && wanted.contains("\($0.network) \($0.mac)")
                }), Observation(other, in: paths).state.isAlive
            else { continue }
            throw VMError(
                .busy, file.params.file.string, "the MAC \(taken.mac) is taken on \(taken.network) by the VM \(other)",
                remedy: "give one of them another: MAC=52:54:00:…")
        }
    }
}

extension PlanRefusal {
    /// All of the problems as one error: the only one as it is, or the first one's code and all of them as details.
    public func error(of file: FilePath) -> VMError {
        guard problems.count > 1, let first = problems.first else {
            return problems.first ?? VMError(.bug, file.string, "was refused without a reason")
        }
        return VMError(
            first.code, file.string, "\(problems.count) things keep this VM from starting",
            details: problems.map(\.description))
    }
}
