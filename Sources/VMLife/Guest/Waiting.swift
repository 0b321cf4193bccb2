import SystemPackage
import VMCore
import VMHost

/// A wait for a VM.
package struct Waiting: Sendable {
    /// What is waited for.
    package struct Wish: Sendable {
        /// The conditions, in the order in which they were given.
        package var conditions: [WaitCondition]
        /// The compiled patterns of those that have one.
        package var patterns: [LinePattern]
        /// Whether one of them is enough.
        package var any: Bool

        package init(_ conditions: [WaitCondition], patterns: [LinePattern] = [], any: Bool = false) {
            (self.conditions, self.patterns, self.any) = (conditions, patterns, any)
        }

        /// Whether it is met where no VM runs.
        package var isMetByNone: Bool {
            any ? conditions.contains(.stopped) : conditions.allSatisfy { $0 == .stopped }
        }

        /// Whether it can only be met by a VM that runs.
        fileprivate var needsGuest: Bool {
            any ? conditions.allSatisfy(\.needsGuest) : conditions.contains(where: \.needsGuest)
        }
    }

    /// The VM.
    package let vm: Machine
    private let wish: Wish
    private let began = ContinuousClock.now

    /// The most descriptors that a wait has open.
    package static let descriptors = 8 + AddressSearch.descriptors

    init(_ vm: Machine, for wish: Wish) { (self.vm, self.wish) = (vm, wish) }

    /// Waits until the conditions are met, can't be met any more, or the deadline has passed.
    ///
    /// - Parameter isInterrupted: whether to end as if the deadline had passed.
    /// - Throws: `.busy` if the VM does not run and only one that runs could meet them; why it can't be told.
    package func outcome(
        by deadline: Deadline, unless isInterrupted: () -> Bool = { false }
    ) throws(VMError) -> WaitOutcome {
        let watch = GuestWatch(vm, scope)
        if wish.needsGuest, !vm.isInOthersHands { try vm.running(or: "there is nothing to wait for") }
        var absence = Absence()
        while true {
            try watch.look(by: deadline)
            let conditions = wish.conditions.map { ($0, how(it: $0, isMetBy: watch)) }
            let isMet = wish.any ? conditions.contains { $0.1 != nil } : conditions.allSatisfy { $0.1 != nil }
            if isMet { return try outcome(conditions, watch, .met) }
            let open = conditions.filter { $0.1 == nil }.map(\.0)
            // One that can't be met leaves the others, where one of them is enough.
            let obstacles = open.compactMap { watch.obstacles[$0] }
            if let first = obstacles.first, !wish.any || obstacles.count == open.count { throw first }
            let waitsForGuest = wish.any ? open.allSatisfy(\.needsGuest) : open.contains(where: \.needsGuest)
            if waitsForGuest, let diagnosis = watch.evidence.deadEnd, !absence.mayReturn(of: vm, watch.evidence.state) {
                return try outcome(conditions, watch, .deadEnd(diagnosis))
            }
            if deadline.hasPassed || isInterrupted() { return try outcome(conditions, watch, .timedOut) }
            watch.pause(by: deadline)
        }
    }

    private var scope: GuestWatch.Scope {
        GuestWatch.Scope(
            patterns: wish.patterns, asksQEMU: wish.conditions.contains(where: \.needsGuest),
            addresses: wish.conditions.contains(.ip),
            ports: wish.conditions.compactMap { if case .tcp(let port) = $0 { port } else { nil } })
    }

    /// How a condition is met; nil: it is not.
    private func how(it condition: WaitCondition, isMetBy watch: GuestWatch) -> String? {
        let evidence = watch.evidence
        switch condition {
        case .running: return evidence.state == .running ? "it runs" : nil
        case .stopped:
            guard !evidence.state.isAlive, evidence.state != .unknown else { return nil }
            if evidence.state == .suspended { return "it was suspended" }
            return evidence.endReason.map(VMEvent.words) ?? "it does not run"
        case .agent: return evidence.agent == .answers ? "the guest agent answers" : nil
        case .ip:
            guard let found = evidence.addresses, found.wish.isSatisfied(by: found.all, canHear: found.canHear) else {
                return nil
            }
            return found.addresses.first?.text
        case .tcp(let port): return evidence.ports[port] == .open ? "something listens" : nil
        case .serial(let pattern): return watch.matches[pattern]
        case .shell:
            return [.shell, .login].contains(SerialPrompt(evidence.console, of: vm)) ? "its console asks" : nil
        case .boot: return evidence.stage == .up && evidence.state == .running ? evidence.signOfUp : nil
        }
    }

    private func outcome(
        _ conditions: [(WaitCondition, String?)], _ watch: GuestWatch, _ end: WaitOutcome.End
    ) throws(VMError) -> WaitOutcome {
        if case .met = end {} else { try watch.lookAtUnseenRun() }
        var outcome = WaitOutcome(
            conditions: conditions.map { (condition: $0.0, how: $0.1) }, any: wish.any, evidence: watch.evidence,
            waited: .now - began, end: end)
        if case .met = end { return outcome }
        guard [.running, .paused, .unresponsive].contains(outcome.evidence.state) else { return outcome }
        // A QEMU that hangs would keep the wait for as long as a picture may take; one that is only busy is asked for it.
        if vm.hangOfQEMU() != nil {
            outcome.evidence.state = .unresponsive
        } else {
            outcome.picture = vm.keepPicture()?.string
        }
        return outcome
    }
}

extension Machine {
    /// A wait for it. Nothing is looked at yet.
    package func waiting(for wish: Waiting.Wish) -> Waiting { Waiting(self, for: wish) }

    /// Puts a picture of its screen beside its logs; nil if there is nothing to see, or it can't be put there.
    fileprivate func keepPicture() -> FilePath? {
        guard let bytes = try? screenshot(as: .png) else { return nil }
        let path = paths.logs(name).appending("screen.png")
        guard (try? replaceFile(path, with: bytes, permissions: 0o640, group: Accounts.lookers)) != nil else {
            return nil
        }
        return path
    }
}

/// The time during which a VM does not run. While another command has it in its hands, as a restart does, it may come back.
private struct Absence {
    private var end: ContinuousClock.Instant?

    /// As long as a command waits for another one that is changing the VM.
    private static let longest = Duration.seconds(90)

    /// Whether it may run again without anybody's doing more than has been done.
    mutating func mayReturn(of vm: Machine, _ state: VMState) -> Bool {
        guard !state.isAlive else {
            end = nil
            return false
        }
        let limit = end ?? .now + Self.longest
        end = limit
        // Who has let go of it may have started it just before.
        guard .now < limit else { return false }
        if vm.isInOthersHands { return true }
        // One that can't be looked at may run.
        do throws(VMError) { return try vm.observe().isAlive } catch { return true }
    }
}
