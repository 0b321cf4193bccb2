extension Symptoms {
    /// Those that something other than text shows.
    static let ofFacts: [Symptom] = [
        fact(
            .poweredOff, deadEnd: true, "it powered itself off",
            { name, _ in "see why in its log: \(command: "kvmctl logs \(name)"), then start it again" },
            proof: "power-off"),
        fact(
            .stopped, deadEnd: true, "it was stopped",
            { name, _ in
                "start it again: \(command: "kvmctl start \(name)"); see by whom it was stopped: "
                    + "\(command: "kvmctl history \(name)")"
            }, proof: "stopped"),
        fact(
            .suspended, deadEnd: true, "it was suspended",
            { name, _ in "start it, and it goes on where it was: \(command: "kvmctl start \(name)")" },
            proof: "suspended"),
        fact(
            .crashed, deadEnd: true, "it crashed",
            { name, _ in "see what is known of it: \(command: "kvmctl show \(name)")" }, proof: "crashed"),
        fact(
            .unresponsive, deadEnd: false, "its QEMU does not answer",
            { name, _ in
                "look again in a moment; a disk that does not answer, or a host that is too busy, may hold it up: "
                    + "\(command: "kvmctl logs --qemu \(name)")"
            }, proof: "unresponsive"),
        fact(
            .pausedByQEMU, deadEnd: true, "QEMU paused it", { name, _ in "see why: \(command: "kvmctl show \(name)")" },
            proof: "disk-no-space"),
        fact(
            .rebootLoop, deadEnd: true, "it reboots again and again, and never comes up",
            { name, _ in "read what it says before it does: \(command: "kvmctl logs \(name)")" }, proof: "reboot-loop"),
        fact(
            .frozen, deadEnd: true, "its processors stand still with interrupts off: it will do nothing any more",
            { name, _ in "only a reset helps; its last words may say why: \(command: "kvmctl logs \(name)")" },
            proof: "halted"),
        fact(
            .paused, deadEnd: false, "it is paused, so its guest stands still",
            { name, _ in "let it go on: \(command: "kvmctl resume \(name)")" }, proof: "paused"),
        fact(
            .addressTaken, deadEnd: false, "somebody else on its network has the address that it was given",
            { name, _ in
                "find the other: \(command: "kvmctl list --all") shows the addresses of this host's VMs; "
                    + "\(command: "kvmctl ip \(name)") tells what this one has"
            }, proof: "duplicate-address"),
        fact(
            .noDHCP, deadEnd: false, "its network gives it no address: nothing answers its DHCP",
            { _, _ in
                "check that a DHCP server is on that network and VLAN: \(command: "kvmctl net show") lists the bridges "
                    + "and what is on them"
            }, proof: "dhcp-unanswered"),
        fact(
            .wrongVLAN, deadEnd: false, "it is in another VLAN than its network",
            { _, file in
                "have the guest use its NIC without a VLAN (ip -d link shows one), or have the NIC's port carry that VLAN "
                    + "tagged: NETn_VLAN=20-20 for VLAN 20 in \(file), and a DHCP server be in it"
            }, proof: "wrong-vlan"),
        fact(
            .noPackets, deadEnd: false, "it has sent nothing on its network",
            { _, _ in
                "check in the guest (ip link) that it has the NIC and its driver, and that its network is set up"
            }, proof: "no-nic-driver"),
        fact(
            .portRefused, deadEnd: false, "it refuses connections to the port: no service listens there",
            { name, _ in "start the service in the guest: \(command: "kvmctl console \(name)")" }, proof: "sshd-off"),
        fact(
            .portSilent, deadEnd: false,
            "nothing answers on the port: a firewall drops it, or its address can't be reached",
            { name, _ in "check the guest's firewall, and from the host: \(command: "kvmctl ip --table \(name)")" },
            proof: "sshd-firewalled"),
        fact(
            .agentSilent, deadEnd: false, "its guest agent has its channel open and does not answer",
            { _, _ in "restart qemu-guest-agent in the guest" }, proof: "agent-stopped"),
        fact(
            .agentAbsent, deadEnd: false, "no guest agent runs in it",
            { _, _ in "install qemu-guest-agent in the guest, and start it there" }, proof: "agent-absent"),
        fact(
            .acpiIgnored, deadEnd: false,
            "its power button was pressed, and it shows no sign that it heard that",
            { name, _ in
                "run systemd-logind or acpid in the guest, or install qemu-guest-agent there, which stop asks too; "
                    + "see what holds it up: \(command: "kvmctl console \(name)")"
            }, proof: "acpi-ignored"),
        fact(
            .illegible, deadEnd: false, "what it writes on its serial console is not text",
            { _, _ in "check the speed and the kind of the console in the guest; ASCII and UTF-8 are understood" },
            proof: "illegible"),
        fact(
            .consoleElsewhere, deadEnd: false, "it writes nothing on its serial console",
            { name, _ in
                "have its kernel use it too: console=tty0 console=ttyS0; until then look at its screen: "
                    + "\(command: "kvmctl vnc \(name)")"
            }, proof: "screen-only"),
        fact(
            .bootedSilently, deadEnd: false,
            "its firmware booted what is on its disk, CD or network, and that shows nothing that tells how far it is",
            { name, file in
                "look at its screen: \(command: "kvmctl vnc \(name)"); if it stays dark, check that DISK0 in \(file) is the disk "
                    + "with its system; for later, have its kernel use the serial console too: console=tty0 console=ttyS0"
            }, proof: "boot-code-silent"),
        fact(
            .nothingShown, deadEnd: false, "it shows nothing that tells how far it is",
            { name, _ in "look at its screen: \(command: "kvmctl vnc \(name)")" }, proof: "blank"),
    ]

    private static func fact(
        _ id: Symptom.ID, deadEnd: Bool, _ cause: String, _ advice: @escaping Symptom.Advice, proof: String
    ) -> Symptom {
        Symptom(
            id: id, evidence: .fact, stage: .up, isDeadEnd: deadEnd, cause: cause, advice: advice, proof: proof)
    }
}
