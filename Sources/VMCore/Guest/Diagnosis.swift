/// Why a guest is not up, as far as its evidence tells.
package struct Diagnosis: Sendable {
    /// What is wrong.
    package let symptom: Symptom
    /// Why, in one clause.
    package var cause: String
    /// The line that shows it, as the guest wrote it.
    package var line: String?
    /// What to do.
    package var remedy: Remedy

    fileprivate init(_ symptom: Symptom, _ evidence: GuestEvidence, line: String? = nil, cause: String? = nil) {
        self.symptom = symptom
        self.cause = cause ?? symptom.cause
        self.line = line
        remedy = .advice(symptom.advice(evidence.vm.description, evidence.file))
    }
}

extension GuestEvidence {
    /// Why it can't get any further by itself; nil if it may.
    package var deadEnd: Diagnosis? { diagnoses.first { $0.symptom.isDeadEnd } }

    /// The likeliest cause of its not being up, or not being reached.
    ///
    /// - Parameter conditions: what is waited for.
    package func likelyCause(of conditions: [WaitCondition] = [.boot]) -> Diagnosis? {
        // A clock that is off keeps nobody from reaching the guest, and a QEMU that is busy answers later.
        let found = diagnoses
        let first = found.first { ![.clockOff, .unresponsive].contains($0.symptom.id) }
        return deadEnd ?? first ?? missing(conditions) ?? found.first
    }

    /// All that is wrong with it, whoever waits for what, the worst first.
    package var complaints: [Diagnosis] {
        var found = diagnoses
        if state == .running {
            found += conditionsOfHealth.compactMap(missing)
            if found.isEmpty, stage != .up, let fault = consoleFault { found.append(fault) }
        }
        let deadEnds = found.filter(\.symptom.isDeadEnd)
        return (deadEnds + found.filter { !$0.symptom.isDeadEnd }).reduce(into: []) { kept, one in
            // What explains more comes first: that it panicked is said already.
            let panics: [Symptom.ID] = [.panicNoMemory, .panicNoRoot, .panicNoInit]
            let isSaid = one.symptom.id == .panic && kept.contains { panics.contains($0.symptom.id) }
            if !isSaid, !kept.contains(where: { $0.symptom.id == one.symptom.id }) { kept.append(one) }
        }
    }

    /// What a guest is expected to have. Many have no agent; one that is still booting has sent nothing yet.
    private var conditionsOfHealth: [WaitCondition] {
        var conditions: [WaitCondition] = [.stopped]
        if agent == .silent { conditions.append(.agent) }
        if addresses != nil, silence != .noPackets || stage >= .initSystem { conditions.append(.ip) }
        return conditions
    }

    /// All that is found, the likeliest first.
    private var diagnoses: [Diagnosis] {
        guard state.isAlive || state == .unknown else { return [end] }
        var found: [Diagnosis] = []
        func add(_ id: Symptom.ID, _ cause: String? = nil) {
            if let row = Symptoms.row(id) { found.append(Diagnosis(row, self, cause: cause)) }
        }
        if let pause {
            add(.pausedByQEMU, "QEMU paused it: \(pause)")
            found[0].remedy = .advice(pause.wayOn(of: vm.description))
        }
        found += Symptoms.all.compactMap(shown)
        if isRebooting { add(.rebootLoop) }
        if isFrozen { add(.frozen) }
        if state == .unresponsive { add(.unresponsive) }
        if state == .paused, pause == nil { add(.paused) }
        if let clockError, abs(clockError) > Self.clockTolerance {
            found.removeAll { $0.symptom.id == .clockOff }
            let side = clockError > .zero ? "ahead of" : "behind"
            add(.clockOff, "its clock is \(Self.roughly(clockError)) \(side) the host's")
        }
        return found
    }

    /// Whether its text says that it can't get any further by itself. Whoever can write on its console can say so.
    package var isSaidToBeStuck: Bool { Symptoms.all.contains { $0.isDeadEnd && text($0) != nil } }
    /// Likewise, that its kernel has panicked.
    package var isSaidToHavePanicked: Bool { Symptoms.all.contains { $0.isPanic && text($0) != nil } }

    /// Whether its kernel has panicked for certain: its text says so, and none of its processors will run again. That they
    /// are busy proves nothing: so are those of a guest that works, while it shows an old log.
    package var isSeenToHavePanicked: Bool { isFrozen && isSaidToHavePanicked }

    /// Whether the guest shows that it goes on, whatever its text says.
    private func isRefuted(_ row: Symptom) -> Bool {
        row.isDeadEnd && agent == .answers || row.isPanic && (isIdle || console.goesOnAfterPanic)
    }

    /// A symptom that text shows.
    private func shown(_ row: Symptom) -> Diagnosis? { isRefuted(row) ? nil : text(row) }

    private func text(_ row: Symptom) -> Diagnosis? {
        if let line = console.shows(row), !isPast(row, by: screenProgress) { return Diagnosis(row, self, line: line) }
        if let line = screenProgress?.shows(row), !isPast(row, by: console) {
            return Diagnosis(row, self, line: line)
        }
        // The firmware's log keeps what it said, whatever came later.
        if row.stage == .firmware, let line = firmware.progress.shows(row), stage <= .firmware {
            return Diagnosis(row, self, line: line)
        }
        return nil
    }

    /// Whether the guest is past it, by what it shows elsewhere: the screen of a guest with a serial console keeps what its
    /// boot loader left there.
    private func isPast(_ row: Symptom, by other: BootProgress?) -> Bool {
        row.stage < .kernel && (other?.stage ?? .unknown) > row.stage
    }

    private var end: Diagnosis {
        // What the kernel said last tells more than that it panicked.
        if state == .crashed, endReason == "guest-panic",
            let panic = Symptoms.all.lazy.compactMap(text).first(where: { $0.symptom.isDeadEnd })
        {
            return panic
        }
        let id: Symptom.ID
        switch (state, endReason) {
        case (.suspended, _): id = .suspended
        case (.crashed, "guest-panic"): id = .panic
        case (.crashed, _), (.broken, _): id = .crashed
        case (_, "guest-shutdown"), (_, "guest-reset"): id = stopRequest == nil ? .poweredOff : .stopped
        default: id = .stopped
        }
        let row = Symptoms.row(id) ?? Symptoms.all[0]
        let request = stopRequest?.words.map { "\($0), and " } ?? ""
        let cause = endReason.map { "\(row.cause) (\(request)\(VMEvent.words(ofEnd: $0)))" }
        return Diagnosis(row, self, cause: id == .stopped ? cause : nil)
    }

    /// What explains that a condition is not met although nothing is wrong with the boot.
    private func missing(_ conditions: [WaitCondition]) -> Diagnosis? {
        conditions.lazy.compactMap(missing).first ?? consoleFault
    }

    private func missing(_ condition: WaitCondition) -> Diagnosis? {
        let id: Symptom.ID?
        switch condition {
        case .agent:
            id = agent == .silent ? .agentSilent : agent == .absent && stage >= .initSystem ? .agentAbsent : nil
        case .ip: id = silence
        case .tcp(let port):
            switch ports[port] {
            case .refused: id = .portRefused
            case .silent, .unreachable: id = .portSilent
            case .noAddress: id = silence
            case .open, nil: id = nil
            }
        case .stopped: id = ignoresPowerButton ? .acpiIgnored : nil
        case .boot, .running, .serial, .shell: id = nil
        }
        let isOnQEMUsNetwork = addresses.map { !$0.nics.isEmpty && $0.nics.allSatisfy { $0.network == "user" } } == true
        if condition == .ip, id == nil, isOnQEMUsNetwork, agent == .absent || agent == .silent {
            return Symptoms.row(agent == .absent ? .agentAbsent : .agentSilent).map { row in
                Diagnosis(row, self, cause: "\(row.cause), and on QEMU's own network nobody else can tell its address")
            }
        }
        return id.flatMap(Symptoms.row).map { row in
            Diagnosis(row, self, cause: particulars(of: row).map { "\(row.cause): \($0)" })
        }
    }

    /// What there is to add to a cause.
    private func particulars(of row: Symptom) -> String? {
        switch row.id {
        case .addressTaken: addresses?.nics.first { $0.silence == .addressTaken }?.story
        case .wrongVLAN: addresses?.nics.first { $0.silence == .wrongVLAN }?.story
        case .acpiIgnored: sincePowerButton.map { "that was \(Self.roughly($0)) ago" }
        default: nil
        }
    }

    private func abs(_ duration: Duration) -> Duration { duration < .zero ? .zero - duration : duration }

    /// How long it is, in one unit, without a sign.
    package static func roughly(_ duration: Duration) -> String {
        let seconds = Swift.abs(duration.components.seconds)
        return switch seconds {
        case 172_800...: "\(seconds / 86400) days"
        case 7200...: "\(seconds / 3600) hours"
        case 120...: "\(seconds / 60) min"
        default: "\(seconds) s"
        }
    }

    /// Why it has no address.
    private var silence: Symptom.ID? {
        switch addresses?.nics.lazy.compactMap(\.silence).first {
        case .noDHCP: .noDHCP
        case .wrongVLAN: .wrongVLAN
        case .addressTaken: .addressTaken
        case .noPackets: .noPackets
        case nil: nil
        }
    }

    private var consoleFault: Diagnosis? {
        let id: Symptom.ID
        var cause: String?
        if !console.isSilent {
            guard !console.isLegible else { return nil }
            id = .illegible
        } else if stage > .bootLoader {
            id = .consoleElsewhere
        } else if let booted = firmware.booted, !isLoaderSeen {
            id = .bootedSilently
            let what = Printable.foreign(Printable.excerpt(booted, limit: 40))
            cause = "its firmware booted from \(what), and what runs since shows nothing that tells how far it is"
        } else if stage == .unknown {
            id = .nothingShown
        } else {
            return nil
        }
        return Symptoms.row(id).map { Diagnosis($0, self, cause: cause) }
    }

    /// Whether the screen has shown a boot loader in this boot.
    private var isLoaderSeen: Bool {
        max(screenReached, screenProgress?.shownStage ?? .unknown) >= .bootLoader
    }
}
