import Glibc
import SystemPackage
import VMCore
import VMHost

/// Starts a VM: from a params file to a running guest. A failed start is rolled back completely.
package struct Starting {
    /// The VM.
    let vm: Machine
    let file: VMFile
    let options: StartOptions
    let stopwatch: Stopwatch
    let context: PlanningContext
    /// Called once QEMU has been executed, long before the guest runs; with what it is tied by, if that can be called off.
    var whenSpawned: (consuming EndGuard?) -> Void = { _ in }

    /// The result of a start.
    package enum Outcome: Sendable {
        /// It is running now.
        case started(VMEntry)
        /// It goes on where it was suspended.
        case resumed(VMEntry)
        /// It was already running.
        case alreadyRunning(ProcessIdentity?)
    }

    init(
        _ file: VMFile, of vm: Machine, options: StartOptions = StartOptions(), in context: PlanningContext,
        stopwatch: Stopwatch = Stopwatch()
    ) {
        self.vm = vm
        self.file = file
        self.stopwatch = stopwatch
        self.options = options
        self.context = context
    }

    /// The content of its params file.
    package var params: VMParams { file.params }

    private var name: VMName { vm.name }
    private var paths: Paths { vm.paths }

    /// The purpose of a plan.
    package enum Purpose: Equatable, Sendable {
        /// To be carried out.
        case start
        /// To be shown, without leaving a trace: as root would see it, if only root can start the VM. What a running VM
        /// uses itself does not count as taken.
        case show(isRunning: Bool)
        /// As `show`, and compared with all defined VMs too.
        case check(isRunning: Bool)
        /// As `show`, for one of many VMs, whose addresses are compared elsewhere.
        case examine(isRunning: Bool)

        /// Whether nothing comes of it but a verdict. A template is judged as what it is: it is not started.
        fileprivate var isJudging: Bool {
            switch self {
            case .start, .show: false
            case .check, .examine: true
            }
        }
    }

    /// The plan, computed for the host as it is now. Touches nothing.
    package func plan(to purpose: Purpose) throws(VMError) -> LaunchPlan {
        let (facts, options) = facts(for: purpose)
        stopwatch.lap(.probe)
        defer { stopwatch.lap(.plan) }
        do throws(PlanRefusal) { return try LaunchPlan(file.params, options: options, facts: facts) } catch {
            throw error.error(of: file.params.written)
        }
    }

    /// Everything that keeps the VM from starting. Touches nothing.
    func obstacles(to purpose: Purpose) -> [VMError] { obstacles(facts(for: purpose)) }

    private func obstacles(_ known: (facts: HostFacts, options: StartOptions)) -> [VMError] {
        do throws(PlanRefusal) {
            _ = try LaunchPlan(file.params, options: known.options, facts: known.facts)
            return []
        } catch { return error.problems }
    }

    /// The same for the doctor, and what its disks stand on and was written to since.
    func examined(isRunning: Bool) -> (obstacles: [VMError], lateBases: [LateBase]) {
        let known = facts(for: .examine(isRunning: isRunning))
        return (obstacles(known), known.facts.lateBases(below: file.params))
    }

    /// The facts, and the options of this start: those of the user, and what a saved state adds to them.
    private func facts(for purpose: Purpose) -> (facts: HostFacts, options: StartOptions) {
        let saved = SavedStateProbe(vm, file).found(discarding: options.discardsSuspended)
        let options = options.goingOn(with: (try? saved.get())?.state?.saved)
        let probe = HostProbe(context: context, trust: file.trust, isLooking: purpose != .start)
        var facts = probe.facts(for: file.params, options: options)
        do throws(VMError) { facts.saved = try saved.get() } catch { facts.problems.append(error) }
        do throws(VMError) { try addOtherVMs(to: &facts, for: purpose) } catch { facts.problems.append(error) }
        if purpose.isJudging, params.template.value { facts.forgetWriting() }
        return (facts, options)
    }

    private func addOtherVMs(to facts: inout HostFacts, for purpose: Purpose) throws(VMError) {
        switch purpose {
        case .start:
            // Addresses are checked last, when nobody else can claim them; here only disks and ports are.
            let isTaken = !facts.ports.isEmpty || facts.images.values.contains(where: \.isLocked)
            if isTaken { facts.otherVMs = OtherVMs(try vm.site.otherRunningVMs()) }
        case .show(let isRunning):
            if isRunning { facts.forgetUse() }
            facts.otherVMs = try context.running
        case .examine(let isRunning):
            for bridge in facts.bridges.keys { facts.bridges[bridge]?.holders = [:] }
            if isRunning { facts.forgetUse() }
            facts.otherVMs = try context.runningWithoutAddresses
        case .check(let isRunning):
            if isRunning { facts.forgetUse() }
            facts.otherVMs = try context.all
            facts.unseen = context.unseen
            facts.knowsAllVMs = facts.unseen.isEmpty
        }
    }

    /// What the user should know about a plan, apart from what keeps it from being carried out.
    package func notices(of plan: LaunchPlan) -> [String] {
        let new = plan.newDisks.map { SparseDisk(path: $0.path, size: $0.size) }
        return file.warnings + plan.notices + serviceNotices + SpaceCheck.warnings(new, besides: context.growth)
    }

    /// What its file says of its unit, and the unit does not know or this start is not subject to.
    private var serviceNotices: [String] {
        let service = params.service
        if ServiceManager.startedThisProcess {
            let isCurrent = (try? ServiceUnit(vm).isCurrent(for: params, of: vm.site)) ?? true
            return isCurrent
                ? [] : ["its unit does not know what its file says by now: \(command: "kvmctl enable \(name)")"]
        }
        let limits = [service.cpuLimit?.origin, service.ioLimit?.origin].compactMap { origin -> String? in
            if case .line(_, let key)? = origin { "\(key)" } else { nil }
        }
        guard !limits.isEmpty else { return [] }
        return [
            "\(limits.joined(separator: " and ")) holds only if systemd starts it: \(command: "kvmctl enable \(name)")"
        ]
    }

    /// Starts the VM. In the foreground it returns only on failure; a VM that is already running counts as one
    /// (`.busy`).
    ///
    /// - Parameters:
    ///   - isNoted: whether it is noted where its file is: that may have been written by hand, or moved there.
    ///   - tell: receives what the user should know, before anything is done.
    func start(noting isNoted: Bool = false, tell: ([String]) -> Void) throws(VMError) -> Outcome {
        if let running = try vm.committed(vm.observe()), running.state != .paused {
            return try alreadyRunning(running)
        }
        return try vm.operate { () throws(VMError) in
            if let running = try vm.committed(vm.settle()), try !vm.completeSuspend(running) {
                return try alreadyRunning(running)
            }
            try StateFiles(of: vm).settle(file.trust)
            try refuseRenamed()
            try refuseTemplate()
            let plan = try plan(to: .start)
            // Nobody else removes it from here on: that takes the lock, too.
            guard try file.isCurrent else {
                throw VMError(
                    .busy, vm.file.string, "was changed or removed while its VM was about to start",
                    remedy: "look at it, and start the VM again")
            }
            tell(notices(of: plan) + messagePlace)
            if isNoted { tell(vm.site.noted.noting([vm.file])) }
            // If that can't be written, the new run's logs can't either, which is an error.
            try? vm.keepCrash()
            let directory = vm.directory
            let life = try directory.life.begin(lookers: Accounts.lookers)
            tell(HostResource.sweep(paths, before: name).map(\.description))
            let signature = try directory.life.forgetSigner(lookers: Accounts.lookers)
            try context.addresses.claim(plan, Manifest(plan, foreground: options.foreground), for: vm)
            var launcher = Launcher(
                plan: plan, vm: vm, trust: file.trust, foreground: options.foreground,
                tie: options.tie, timeout: options.timeout, stopwatch: stopwatch)
            launcher.whenSpawned = whenSpawned
            let manifest: Manifest
            do throws(VMError) { manifest = try launcher.launch(life, signature) } catch {
                var failure = error
                failure.details += HostResource.sweep(paths, after: name, patience: .seconds(10)).map(\.description)
                if vm.observe().state == .stopped { directory.forgetStart() }
                throw failure
            }
            let entry = VMEntry(manifest, Observation(state: .running, holder: directory.holder), in: paths)
            return plan.savedMemory == nil ? .started(entry) : .resumed(entry)
        }
    }

    /// A running VM keeps its name, whatever its file says by now. This one has ended since it was found by that name.
    private func refuseRenamed() throws(VMError) {
        guard name != params.name.value else { return }
        throw VMError(
            .busy, name.description, "does not run, and its file now says NAME=\(params.name.value)",
            remedy: .run("start it by that name", "kvmctl start \(vm.file)"))
    }

    /// Tells where QEMU's messages go, if the user would expect them elsewhere.
    private var messagePlace: [String] {
        guard options.foreground, MessageStream.ofThisProcess == nil else { return [] }
        return ["QEMU's messages go to \(paths.qemuLog(name)): \(command: "kvmctl logs --qemu \(name)")"]
    }

    /// Starting a running VM succeeds, but not in the foreground: a command that should last as long as the VM would
    /// end at once, as if the VM had ended.
    private func alreadyRunning(_ seen: Observation) throws(VMError) -> Outcome {
        guard options.foreground else { return try .alreadyRunning(seen.holder, options, of: vm) }
        throw VMError(
            .busy, name.description,
            "is already running\(seen.holder.map { ", pid \($0.pid)" } ?? ""), and can't move to the foreground",
            remedy: "stop it first, or leave it as it is")
    }
}

extension Machine {
    /// Starts the VM. One that already runs needs its params file no longer.
    ///
    /// - Parameters:
    ///   - context: the host and the other VMs that it is planned against, shared by all starts of a command.
    ///   - tell: receives what the user should know, before anything is done.
    package func start(
        _ options: StartOptions, in context: PlanningContext, stopwatch: Stopwatch = Stopwatch(),
        tell: ([String]) -> Void
    ) throws(VMError) -> Starting.Outcome {
        let starting: Starting
        do throws(VMError) { starting = try self.starting(options, in: context, stopwatch: stopwatch) } catch {
            guard !file.isEmpty, error.code != .denied, !options.foreground, let running = try committed(observe())
            else {
                throw error
            }
            if error.condition != .ephemeral {
                tell(["its file can't be used any longer; \(command: "kvmctl check \(name)") says why"])
            }
            return try .alreadyRunning(running.holder, options, of: self)
        }
        return try starting.start(noting: true, tell: tell)
    }

    /// The VM, if its start was committed; nil if it does not run, or its start is incomplete.
    fileprivate func committed(_ seen: Observation) throws(VMError) -> Observation? {
        guard try seen.isAlive, seen.state != .starting else { return nil }
        if seen.isStray { throw .withoutRuntimeFiles(name, "it can't be started again") }
        if let other = try manifest(), try !other.isOf(file) {
            throw VMError(
                .busy, file.string, "a VM called \(name) is already running, from \(other.file)",
                remedy: "stop that one, or give this one another NAME")
        }
        return seen
    }
}

extension PlanRefusal {
    /// All problems as one error: a single one as it is, several as details under the code of the first.
    package func error(of file: FilePath) -> VMError {
        guard problems.count > 1, let first = problems.first else {
            return problems.first ?? VMError(.bug, file.string, "was refused without a reason")
        }
        return VMError(
            first.code, file.string, "\(problems.count) things keep this VM from starting",
            details: problems.map { $0.description.split(separator: "\n").joined(separator: "\n  ") })
    }
}
