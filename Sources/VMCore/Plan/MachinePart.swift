extension LaunchPlanner {
    /// Board, accelerator, processors, memory, clock.
    mutating func planMachine() {
        let accelerator = chooseAccelerator()
        plan.summary.accelerator = accelerator.value
        planBoard()
        add("-accel", accelerator.value, purpose: "accelerator", from: accelerator.origin)
        let cpu =
            params.cpu
            ?? Setting(
                accelerator.value == "kvm" ? "host" : Self.emulatedCPU,
                .derived("CPU, the default under \(accelerator.value)"))
        add("-cpu", cpu.value, purpose: "processor model", from: cpu.origin)
        add("-smp", "cpus=\(params.cpus.value)", purpose: "processors", from: params.cpus.origin)
        if let limit = facts.memoryLimit, params.memory.value > limit {
            refuse(
                .unavailable, place(params.memory.origin),
                "\(params.memory.value) is more than this host's RAM and swap, which are \(limit)",
                remedy: "write less, or add swap")
        }
        add("-m", "size=\(memoryText)", purpose: "memory", from: params.memory.origin)
        add("-rtc", "base=\(params.rtc.value.rawValue)", purpose: "clock", from: params.rtc.origin)
        // strict: what has no bootindex is never booted, so that BOOT means what it says.
        add("-boot", "strict=on", purpose: "boot only what BOOT names", from: params.boot.origin)
    }

    /// QEMU takes the size with a unit; MiB where it is whole, as everybody writes it.
    private var memoryText: String {
        let bytes = params.memory.value.bytes
        return bytes % (1 << 20) == 0 ? "\(bytes >> 20)M" : "\(bytes >> 10)k"
    }

    private mutating func planBoard() {
        let machine = params.machine
        if !facts.qemu.machines.isEmpty, facts.qemu.machines[machine.value.description] == nil {
            refuse(
                .unavailable, place(machine.origin),
                "QEMU \(facts.qemu.version) has no machine type \(machine.value)",
                remedy: "its option -machine help lists those it has; q35 is its newest")
        }
        // vmport is for VMware guests; the rest of the memory image is never wanted in a core file.
        add(
            "-machine", qemuOption(machine.value.description, [("vmport", "off"), ("dump-guest-core", "off")]),
            purpose: "board", from: machine.origin)
    }

    private mutating func chooseAccelerator() -> Setting<String> {
        switch (params.accel.value, facts.kvm) {
        case (.tcg, _):
            return Setting("tcg", params.accel.origin)
        case (_, .works):
            return Setting("kvm", params.accel.value == .auto ? tried("KVM runs guests here") : params.accel.origin)
        case (.auto, .unusable(let reason)):
            plan.notices.append("running under TCG, slowly: \(reason)")
            return Setting("tcg", .host(reason))
        case (.kvm, .unusable(let reason)):
            refuse(
                .unavailable, place(params.accel.origin), "KVM can't be used: \(reason)",
                remedy: params.lineEdit(params.accel.origin, value: "auto").map {
                    .run("let it run under TCG, without acceleration", $0)
                })
            return Setting("kvm", params.accel.origin)
        }
    }

    /// Everything that TCG can do, but for two hints: that REP MOVSB and REP STOSB are fast. Emulated they go byte by byte,
    /// and a Linux guest that believes the hints zeroes and copies memory three times as slowly (docs/performance.md).
    private static let emulatedCPU = "max,erms=off,fsrm=off"
}
