extension LaunchPlanner {
    /// `CPU` and `CPUS`.
    mutating func planProcessors(_ accelerator: Accelerator) {
        let cpu =
            params.cpu
            ?? Setting(
                accelerator == .kvm ? "host" : Self.emulatedCPU, .derived("CPU, the default under \(accelerator)"))
        checkProcessor(cpu, accelerator)
        add("-cpu", cpu.value, purpose: "processor model", from: cpu.origin)
        if let most = facts.qemu.machines[params.machine.value.description]?.maximumCPUs, params.cpus.value > most {
            refuse(
                .unavailable, place(params.cpus.origin),
                "\(params.cpus.value) processors are more than the \(most) that \(params.machine.value) takes",
                remedy: "write at most CPUS=\(most), or use another MACHINE")
        }
        let cpuSet = params.cpuSet
        add(
            [.words(["-smp", "cpus=\(params.cpus.value)"])],
            purpose: cpuSet.map { "processors; QEMU is bound to the host's CPUs \($0.value)" } ?? "processors",
            from: [params.cpus.origin, cpuSet?.origin].compactMap(\.self))
        if let cpuSet { planAffinity(cpuSet) }
    }

    /// `CPUSET`: the kernel would silently leave out what can't be had.
    private mutating func planAffinity(_ cpuSet: Setting<CPUSet>) {
        plan.cpus = cpuSet.value
        guard let host = facts.cpus else { return }
        let (absent, refused) = (cpuSet.value.subtracting(host.online), cpuSet.value.subtracting(host.allowed))
        if !absent.isEmpty {
            refuse(
                .unavailable, place(cpuSet.origin), "this host has no CPU \(absent) online: it has \(host.online)",
                remedy: "write some of these, or leave the line out")
        } else if !refused.isEmpty {
            refuse(
                .unavailable, place(cpuSet.origin),
                "this process may not use CPU \(refused): the cpuset of its cgroup has \(host.allowed)",
                remedy: "write some of these, or let its unit have more (AllowedCPUs= of systemd.resource-control(5))")
        }
    }

    /// Everything that TCG can do, but for two hints: that REP MOVSB and REP STOSB are fast. Emulated they go byte by byte,
    /// and a Linux guest that believes the hints zeroes and copies memory three times as slowly (docs/performance.md).
    private static let emulatedCPU = "max,erms=off,fsrm=off"

    private mutating func checkProcessor(_ cpu: Setting<String>, _ accelerator: Accelerator) {
        let model = String(cpu.value.prefix { $0 != "," })
        if model == "host", accelerator == .tcg {
            refuse(
                .unavailable, place(cpu.origin),
                "the model host is this machine's own processor, which needs KVM, and this VM runs under TCG",
                remedy: "write CPU=max, or leave the line out")
            return
        }
        switch facts.processor {
        case .works(without: []): break
        case nil:
            guard params.cpu != nil, !facts.isAssumed, facts.qemu.isAsked, !facts.qemu.path.isEmpty else { return }
            plan.notices.append("QEMU could not be asked what it makes of CPU=\(cpu.value)")
        case .works(let missing):
            plan.notices.append(
                "CPU=\(cpu.value): \(accelerator == .kvm ? "KVM" : "TCG") has no \(missing.joined(separator: ", no ")) "
                    + "here, so the guest has to do without")
        case .unknownModel(let known): refuseModel(model, at: cpu.origin, among: known)
        case .refused(let refusal): refuseProcessor(cpu, refusal)
        }
    }

    private mutating func refuseModel(_ model: String, at origin: Origin, among known: [String]) {
        let nearest = Self.models(near: model, among: known)
        let list = "\(command: "\(facts.qemu.path) -cpu help") lists all"
        refuse(
            .unavailable, place(origin), "QEMU \(facts.qemu.version) has no CPU model \(model)",
            remedy: .advice(nearest.isEmpty ? list : "did you mean \(nearest.joined(separator: ", or "))? \(list)"))
    }

    /// The models that may be meant: in other letters, mistyped, or without the end of the name.
    static func models(near model: String, among known: [String]) -> [String] {
        let typed = model.lowercased()
        let same = known.filter { $0.lowercased() == typed }
        if !same.isEmpty { return same }
        let longer = known.filter { !typed.isEmpty && $0.lowercased().hasPrefix(typed) }
        if !longer.isEmpty { return Array(longer.prefix(3)) }
        let nearest = Nearest.match(typed, among: known.map { $0.lowercased() })
        return known.filter { $0.lowercased() == nearest }
    }

    private mutating func refuseProcessor(_ cpu: Setting<String>, _ refusal: ProcessorRefusal) {
        let subject = place(cpu.origin)
        switch refusal {
        case .noAPIC:
            refuse(
                .unavailable, subject,
                "\(cpu.value) has no APIC, and PCI Express on a q35 machine needs one",
                remedy: "use another CPU, or MACHINE=pc")
        case .unknownFlag(let flag):
            refuse(
                .unavailable, subject, "QEMU \(facts.qemu.version) has no CPU flag \(flag)",
                remedy: "\(command: "\(facts.qemu.path) -cpu help") lists those it has")
        case .other(let words):
            refuse(
                .unavailable, subject, "QEMU \(facts.qemu.version) can't make this processor: \(words)",
                remedy: "correct the line, or leave it out for the accelerator's own")
        }
    }
}
