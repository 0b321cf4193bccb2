import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Gathers what a guest shows, again and again: what QEMU writes into the VM's logs as soon as it is there, the rest at a
/// modest pace. Nothing is executed in the guest.
final class GuestWatch {
    /// What is looked at besides the VM's logs.
    struct Scope {
        var patterns: [LinePattern] = []
        /// Its screen, its agent and its processors.
        var asksQEMU = true
        var addresses = false
        var ports: [UInt16] = []
        /// One look, and not a wait: what can't be looked at is noted.
        var isBrief = false
        /// Whether the caller has the VM in its hands: nobody else changes it.
        var isHeld = false
    }

    let vm: Machine
    private(set) var evidence: GuestEvidence
    /// The lines that matched, by the pattern.
    private(set) var matches: [String: String] = [:]
    /// Why a condition can't be met by this run of the VM.
    private(set) var obstacles: [WaitCondition: VMError] = [:]

    private let scope: Scope
    private var matching = Deadline(in: GuestWatch.matchTime)
    private var holder: ProcessIdentity?
    private var process: ProcessHandle?
    private var console: ConsoleSource?
    private var firmware: ConsoleSource?
    private var record: RecordSource?
    private var notices: LogNotices?
    private var reboots = RebootCount()
    /// When the host reset the machine last, in microseconds since the epoch. Its firmware may then reset it once more.
    private var hostReset: Int64 = 0
    private static let firmwareReset: Int64 = 2_000_000
    /// Whether it has been reset in this run.
    private var wasReset = false
    /// Whether it has been looked up where this run of it began.
    private var knowsOrigin = false
    /// When its power button was first pressed in this boot, in microseconds since the epoch.
    private var powerButton: Int64?
    private var monitor: MonitorLook
    private var agent: AgentLook
    private var network: NetworkLook?
    /// Whether it was looked up who asked for the end of its last run.
    private var hasReadRequest = false
    /// Whether it ran at a look.
    private var hasSeenRun = false

    init(_ vm: Machine, _ scope: Scope) {
        (self.vm, self.scope) = (vm, scope)
        evidence = GuestEvidence(vm: vm.name, file: vm.file.string)
        monitor = MonitorLook(vm, isBrief: scope.isBrief)
        agent = AgentLook(vm, isBrief: scope.isBrief)
    }

    /// Looks at everything that it is time for.
    ///
    /// - Parameter deadline: when there is no more to be compared with the patterns. One that has passed leaves some time.
    /// - Throws: why it can't be told whether the VM runs.
    func look(by deadline: Deadline? = nil) throws(VMError) {
        matching = Deadline(in: max(deadline?.remaining ?? Self.matchTime, Self.matchTime))
        try lookAtLife()
        guard evidence.state.isAlive else { return }
        try readRecord()
        try readConsole()
        lookAtOrigin()
        try firmware?.read { evidence.firmware.take($0) }
        lookAtTimes()
        guard scope.asksQEMU, evidence.state != .starting else { return }
        monitor.look(&evidence)
        agent.look(&evidence)
        if scope.addresses || !scope.ports.isEmpty { try lookAtNetwork() }
        if evidence.stage == .up { reboots.forget() }
        evidence.reboots = reboots.times
    }

    private func lookAtLife() throws(VMError) {
        let seen = vm.observe()
        let isAlive = try seen.isAlive
        if isAlive, let found = seen.holder, found != holder {
            try attach(to: found)
        } else if !isAlive, holder != nil {
            // Once QEMU has ended, all that it wrote is in the files.
            try readRecord()
            try readConsole()
            holder = nil
            process = nil
            network = nil
        }
        evidence.state = seen.state
        // Where that can't be told, it is certain all the same that it does not run.
        if !isAlive, seen.state == .stopped, (try? vm.isSuspended()) == true { evidence.state = .suspended }
        evidence.pause = isAlive ? seen.diskFailure ?? monitor.pause : nil
        evidence.endReason = seen.endReason
        if isAlive {
            hasReadRequest = false
        } else if let reason = evidence.endReason, !hasReadRequest {
            // Any other end says by itself that the guest did not choose it.
            if ["guest-shutdown", "guest-reset"].contains(reason) { evidence.stopRequest = try stopRequest() }
            hasReadRequest = true
        }
    }

    private func stopRequest() throws(VMError) -> VMEvent? {
        do throws(VMError) { return try vm.stopRequest() } catch {
            guard scope.isBrief else { throw error }
            evidence.unseen = error
            return nil
        }
    }

    /// Begins with a run of the VM.
    private func attach(to found: ProcessIdentity) throws(VMError) {
        evidence = GuestEvidence(vm: vm.name, file: vm.file.string)
        (matches, obstacles, reboots, powerButton, network) = ([:], [:], RebootCount(), nil, nil)
        (wasReset, knowsOrigin) = (false, vm.directory.isAdopted)
        monitor = MonitorLook(vm, isBrief: scope.isBrief)
        agent = AgentLook(vm, isBrief: scope.isBrief)
        holder = found
        hasSeenRun = true
        process = try vm.process(found)
        // A VM that was adopted, or whose logs were removed, is asked all the same.
        console = nil
        record = nil
        // One that an older kvmctl started has none.
        firmware = try? ConsoleSource(.firmware, of: vm)
        do throws(VMError) { console = try ConsoleSource(of: vm) } catch {
            guard error.code == .notFound || vm.directory.isAdopted else { throw error }
            evidence.hasConsole = false
            for pattern in scope.patterns { obstacles[.serial(pattern.text)] = Self.noConsole(of: vm) }
        }
        do throws(VMError) { record = try RecordSource(vm) } catch {
            guard error.code == .notFound || vm.directory.isAdopted else { throw error }
        }
        notices = try? LogNotices([vm.paths.consoleLog(vm.name), vm.paths.record(vm.name)])
        for event in try record?.events() ?? [] { note(event) }
    }

    private func note(_ event: VMEvent) {
        switch event.name {
        case "RESET":
            if !event.isReboot {
                hostReset = event.microseconds
            } else if event.microseconds - hostReset > Self.firmwareReset {
                reboots.add(event.microseconds)
            }
            (powerButton, wasReset, evidence.stageBefore) = (nil, true, nil)
        case "POWERDOWN": powerButton = powerButton ?? event.microseconds
        default: break
        }
    }

    /// Looks up how far a guest was that goes on where it was suspended: what it wrote before is in the log of another run.
    private func lookAtOrigin() {
        // The command that starts it notes that last.
        guard !knowsOrigin, scope.isHeld || !vm.isInOthersHands else { return }
        knowsOrigin = true
        if !wasReset { evidence.stageBefore = vm.stageBeforeSuspend }
    }

    private func readRecord() throws(VMError) {
        for event in try record?.events() ?? [] {
            note(event)
            switch event.name {
            case "RESET":
                evidence.console.restart()
                evidence.firmware.restart()
                (evidence.screen, evidence.screenReached, evidence.agent) = (.unseen, .unknown, .unknown)
                agent.hurry()
            case "VSERPORT_CHANGE": agent.hurry()
            default: break
            }
        }
    }

    private func readConsole() throws(VMError) {
        var (progress, found) = (evidence.console, matches)
        func match(_ line: ArraySlice<UInt8>) {
            guard !matching.hasPassed else { return }
            for pattern in scope.patterns where found[pattern.text] == nil && pattern.matches(line) {
                found[pattern.text] = String(decoding: line, as: UTF8.self)
            }
        }
        try console?.read { progress.take($0, each: match) }
        // A prompt is a line that does not end.
        if !progress.unfinished.isEmpty { match(progress.unfinished) }
        (evidence.console, matches) = (progress, found)
    }

    private func lookAtTimes() {
        let now = Moment.now.microseconds
        // A QEMU that a guest has taken over may record any time.
        evidence.sincePowerButton = powerButton.map { .microseconds(max(0, now.subtractingReportingOverflow($0).0)) }
        guard powerButton != nil || scope.isBrief,
            let written = try? status(of: vm.paths.consoleLog(vm.name))?.st_mtim.tv_sec
        else { return }
        evidence.silentFor = .seconds(max(0, now / 1_000_000 - Int64(written)))
    }

    /// The same of one that has not run since the looks began.
    func lookAtUnseenRun() throws(VMError) { if !hasSeenRun { try lookAtLastRun() } }

    /// What is on record of the last run of a VM that does not run.
    func lookAtLastRun() throws(VMError) {
        guard !evidence.state.isAlive, try vm.lastOther() == nil else { return }
        do throws(VMError) {
            console = try ConsoleSource(of: vm)
            try readConsole()
        } catch  where error.code == .notFound {}
        firmware = try? ConsoleSource(.firmware, of: vm)
        try firmware?.read { evidence.firmware.take($0) }
    }

    private func lookAtNetwork() throws(VMError) {
        guard evidence.unseen == nil else { return }
        do throws(VMError) {
            if network == nil {
                network = try NetworkLook(vm, ports: scope.ports)
                for (port, obstacle) in network?.obstacles ?? [:] { obstacles[.tcp(port)] = obstacle }
            }
            try network?.look(&evidence)
        } catch {
            // It has no NIC.
            if !scope.isBrief, error.code == .notFound {
                // The VM is there; what is waited for can't come.
                var obstacle = error
                obstacle.code = .unavailable
                for condition in [.ip] + scope.ports.map(WaitCondition.tcp) { obstacles[condition] = obstacle }
                evidence.unseen = obstacle
                return
            }
            guard scope.isBrief else { throw error }
            // It has no NIC, or has just ended.
            if ![.notFound, .busy].contains(error.code) { evidence.unseen = error }
        }
    }

    private static func noConsole(of vm: Machine) -> VMError {
        VMError(
            .unavailable, vm.name.description,
            "what it writes on its console is not logged, so that can't be waited for",
            remedy: "a VM that was adopted has a log from its next start")
    }

    /// Waits until there may be something new, or the deadline passes.
    func pause(by deadline: Deadline) {
        guard evidence.state.isAlive, notices != nil || process != nil else {
            VMHost.pause(min(.milliseconds(250), deadline.remaining))
            return
        }
        // A guest that never stops writing is read now and then.
        VMHost.pause(min(Self.rest, deadline.remaining))
        var descriptors: [CInt] = []
        if let descriptor = notices?.descriptor { descriptors.append(descriptor) }
        if let descriptor = process?.descriptor { descriptors.append(descriptor) }
        var set = (descriptors + (network?.listening ?? [])).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let limit = min(deadline.remaining, nextLook)
        poll(&set, nfds_t(set.count), CInt(clamping: limit.wholeMilliseconds))
        notices?.clear()
    }

    private static let rest = Duration.milliseconds(100)
    /// How long one look may compare lines with patterns at least: a guest may have written much before.
    private static let matchTime = Duration.seconds(2)

    private var nextLook: Duration {
        // The record tells when the VM is paused or goes on; without notices it is read more often.
        var limit = notices == nil ? Duration.milliseconds(200) : .seconds(1)
        if scope.asksQEMU {
            limit = min(limit, monitor.remaining)
            if evidence.agent != .answers { limit = min(limit, agent.remaining) }
        }
        return min(limit, network?.remaining ?? limit)
    }
}

extension VMEvent {
    /// Whether the guest reset the machine.
    var isReboot: Bool { name == "RESET" && data["guest"]?.bool == true }
}
