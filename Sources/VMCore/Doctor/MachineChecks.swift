import BridgeNet
import SystemPackage

/// The VMs: what keeps each from starting, and what two of them can't both have.
enum MachineChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        let findings =
            facts.machines.flatMap { obstacles(of: $0, facts.host) } + sharedAddresses(facts)
            + facts.machines.compactMap(openScreen) + facts.machines.flatMap(longLogs)
            + facts.machines.flatMap(detachedTaps) + facts.machines.compactMap(paused)
            + facts.machines.compactMap(endedShares) + facts.machines.flatMap(lateBases)
        guard findings.isEmpty, !facts.machines.isEmpty else { return findings }
        let running = facts.machines.filter(\.isRunning).count
        let templates = facts.machines.filter(\.isTemplate).count
        let what = "\(running) run" + (templates > 0 ? ", and templates: \(templates)" : "")
        return [
            .ok(
                "VMs",
                "\(facts.machines.count), of which \(what); nothing in their files keeps any from starting")
        ]
    }

    private static func obstacles(of machine: MachineCondition, _ host: HostCondition) -> [Finding] {
        // Problems of QEMU itself are reported once for all VMs.
        let known: VMError.Condition? = if case .failure(let error) = host.qemu { error.condition } else { nil }
        return machine.obstacles.filter { $0.condition == nil || $0.condition != known }
            .map { Finding($0, of: machine.name) }
    }

    /// Anyone who can reach a VNC server without a password has the VM's screen and keyboard.
    private static func openScreen(of machine: MachineCondition) -> Finding? {
        guard let open = machine.unprotectedVNC else { return nil }
        return .warning(
            machine.name,
            "VNC at \(open.place) has no password: any local account can use its screen and keyboard",
            fix: .step(
                "set VNCDISP=auto in \(machine.file) to get one at each start (\(command: "kvmctl vnc \(machine.name)")), "
                    + "or VNCPASSWORD_FILE"))
    }

    private static func paused(_ machine: MachineCondition) -> Finding? {
        guard let reason = machine.pauseReason else { return nil }
        return .problem(machine.name, "QEMU paused it: \(reason)", fix: .step(reason.wayOn(of: machine.name)))
    }

    /// A guest waits for an answer for ever. No server can take over what the one before knew.
    private static func endedShares(of machine: MachineCondition) -> Finding? {
        guard !machine.endedShares.isEmpty else { return nil }
        let keys = machine.endedShares.map(\.description).joined(separator: ", ")
        return .problem(
            machine.name, "the server of \(keys) has ended, so its guest can't use it; its log may say why",
            fix: .command("kvmctl restart \(machine.name)"))
    }

    private static func lateBases(below machine: MachineCondition) -> [Finding] {
        machine.lateBases.map { .warning(machine.name, $0.cause, fix: .step($0.advice)) }
    }

    private static func detachedTaps(of machine: MachineCondition) -> [Finding] {
        machine.detachedTaps.map { loose in
            let join: ShellCommand = "ip link set dev \(loose.tap) master \(loose.bridge)"
            let again = ("kvmctl net up \(loose.bridge)" as ShellCommand).and(join)
            let fix: Finding.Fix =
                loose.isBridgeThere
                ? .command(join)
                : loose.isOwn ? .step("stop the VMs of that network, then start them again") : .command(again)
            return .problem(
                machine.name, "its \(loose.tap) is not on \(loose.bridge), so its guest is cut off", fix: fix)
        }
    }

    /// Logs grow too large if neither a kvmctl command nor its timer runs.
    private static func longLogs(of machine: MachineCondition) -> [Finding] {
        machine.longLogs.map { log in
            .warning(
                machine.name,
                "\(log.path) has \(log.size), and nothing trims it to \(log.limit): "
                    + "kvmctl-logs.timer does that, or a cron job that runs kvmctl trim-logs",
                fix: .command("kvmctl trim-logs"))
        }
    }

    /// If two NICs on one network have one MAC, frames to it reach the one that sent last.
    private static func sharedAddresses(_ facts: DoctorFacts) -> [Finding] {
        var owners: [OtherVM.Address: String] = [:]
        for vm in facts.otherVMs {
            for address in vm.addresses { owners[address] = "\(vm)" }
        }
        let taken = Set(owners.keys.compactMap { MACAddress($0.mac) } + facts.machines.flatMap(\.nics).map(\.mac))
        var findings: [Finding] = []
        // Of two, the running one keeps its MAC.
        for machine in facts.machines.filter(\.isRunning) + facts.machines.filter({ !$0.isRunning }) {
            for nic in machine.nics where nic.network != "user" {
                let own = "NET\(nic.index) of \(machine.name)"
                guard let owner = owners.updateValue(own, forKey: nic.place) else { continue }
                findings.append(
                    .problem(
                        machine.name,
                        "NET\(nic.index) has the MAC \(nic.mac) on \(nic.network), as has \(owner): only one can be reached",
                        fix: .command(newAddress(for: nic, of: machine, besides: taken))))
            }
        }
        return findings
    }

    /// The command that writes another address into the file.
    static func newAddress(
        for nic: MachineCondition.NIC, of machine: MachineCondition, besides taken: Set<MACAddress>
    ) -> ShellCommand {
        let mac =
            (0...).lazy.map { Identity.mac(from: Array("\(machine.file) \(nic.index) \($0)".utf8)) }
            .first { !taken.contains($0) } ?? nic.mac
        guard let line = nic.macLine else {
            return ("printf \\nNET\(nic.index)_MAC=\(mac)\\n" as ShellCommand).appending(to: machine.file)
        }
        return "sed -i \(line)s/MAC=[^[:space:]]*/MAC=\(mac)/ \(machine.file)"
    }
}
