extension LaunchPlanner {
    /// Board, accelerator, processors, memory, clock.
    mutating func planMachine() {
        let accelerator = chooseAccelerator()
        plan.vm.accelerator = accelerator.value.rawValue
        planBoard()
        add("-accel", accelerator.value.rawValue, purpose: "accelerator", from: accelerator.origin)
        planProcessors(accelerator.value)
        planMemory()
        add("-rtc", "base=\(params.rtc.value.rawValue)", purpose: "clock", from: params.rtc.origin)
        // strict: what has no bootindex is never booted, so that BOOT means what it says.
        add("-boot", "strict=on", purpose: "boot only what BOOT names", from: params.boot.origin)
    }

    private mutating func planBoard() {
        let machine = params.machine
        let type = facts.qemu.machines[machine.value.description]
        if !facts.qemu.machines.isEmpty, type == nil {
            refuse(
                .unavailable, place(machine.origin),
                "QEMU \(facts.qemu.version) has no machine type \(machine.value)",
                remedy: "its option -machine help lists those it has; q35 is its newest")
        }
        if type?.isDeprecated == true {
            plan.notices.append(
                "MACHINE=\(machine.value) is deprecated in QEMU \(facts.qemu.version): a later QEMU will not have it")
        }
        // vmport is for VMware guests; the rest of the memory image is never wanted in a core file.
        add(
            "-machine",
            qemuOption(
                machine.value.description,
                [
                    ("vmport", "off"), ("dump-guest-core", "off"),
                    ("memory-backend", hasMemoryObject ? QEMUObject.memoryID : nil),
                ]),
            purpose: "board", from: machine.origin)
    }

    private mutating func chooseAccelerator() -> Setting<Accelerator> {
        let choice = params.accel
        switch (Accelerator(choice.value, facts.kvm), facts.kvm) {
        case (.kvm?, _):
            return Setting(.kvm, choice.value == .auto ? tried("KVM runs guests here") : choice.origin)
        case (.tcg?, .unusable(let obstacle)) where choice.value == .auto:
            plan.notices.append("running under TCG, slowly: \(obstacle)")
            return Setting(.tcg, .host("\(obstacle)"))
        case (.tcg?, _): return Setting(.tcg, choice.origin)
        case (nil, let verdict):
            if case .unusable(let obstacle) = verdict {
                refuse(
                    .unavailable, place(choice.origin), "KVM can't be used: \(obstacle)",
                    remedy: params.lineEdit(choice.origin, value: "auto").map {
                        .run("let it run under TCG, without acceleration", $0)
                    })
            }
            return Setting(.kvm, choice.origin)
        }
    }
}
