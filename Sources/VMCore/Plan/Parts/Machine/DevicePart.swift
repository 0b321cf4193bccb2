extension LaunchPlanner {
    /// The devices that every VM has: pointer, entropy, balloon, channel of the guest agent, spare slots.
    mutating func planDevices() {
        device("qemu-xhci", "usb", PCILayout.usb, purpose: "USB controller")
        // An absolute pointer: the VNC viewer's and the guest's cursor are in the same place.
        add(.device(Device("usb-tablet", id: "tablet", at: .bus("usb.0"))), purpose: "pointer", from: .everyVM)
        shortenUSBWait()
        add(.object(.entropySource(id: "rng0")), purpose: "entropy source", from: .everyVM)
        device("virtio-rng-pci", "rng", PCILayout.rng, ["rng": .text("rng0")], purpose: "entropy")
        planBalloon()
        // ISA: it takes no PCI slot, and Linux finds it by ACPI. Only a panic is an event, which ends QEMU: of the other one
        // (PVPANIC_CRASHLOADED, docs/specs/pvpanic of QEMU) a guest could write as many to the flight record as it likes.
        add(
            .device(Device("pvpanic", id: nil, at: .bus("isa.0"), ["events": .number(1)])),
            purpose: "reports a panic", from: .everyVM)
        planFirmwareLog()

        device("virtio-serial-pci", "vserial", PCILayout.serial, purpose: "virtio-serial bus")
        // QEMU has an event (VSERPORT_CHANGE, one a second at most) when the guest opens or closes a port that has an id.
        let port = Device(
            "virtserialport", id: "agent", at: .bus("vserial.0"),
            ["chardev": .text("agent0"), "name": .text("org.qemu.guest_agent.0")])
        add(
            [.words(["-chardev", listener("agent0", .agentSocket)]), .component(.device(port))],
            purpose: "guest agent's channel", from: [.everyVM])

        // On pc the root bus itself takes devices while it runs.
        guard params.machine.value.family == .q35 else { return }
        for index in 0..<PCILayout.spareRootPorts {
            add(.device(.rootPort(index)), purpose: "spare slot for a plugged device", from: .everyVM)
        }
    }

    /// SeaBIOS waits 100 ms for devices to show up on the USB bus, where QEMU's are at once, and takes another number of
    /// milliseconds from this file, as the bytes of an integer (src/hw/usb.c, usb_time_sigatt). `!` is 33: the least that a
    /// command line can hold and that is safe to paste. A device of the host's, by QEMUARGn, may need the time.
    private mutating func shortenUSBWait() {
        guard params.qemuArguments.isEmpty else { return }
        add(
            "-fw_cfg", qemuOption("name=etc/usb-time-sigatt", [("string", "!")]),
            purpose: "how long the firmware waits for USB devices",
            from: .everyVM)
    }

    /// SeaBIOS writes to the screen, which what it boots clears, and more to this port if something is there. The ACPI tables
    /// don't mention it, and it has no state that a saved or migrated VM could miss.
    private mutating func planFirmwareLog() {
        let log = fdset(.firmwareLog, purpose: "firmware log", from: .everyVM)
        let file = qemuOption("file", [("id", "firmware"), ("path", log.path), ("append", "on")])
        let port = Device(
            Device.firmwarePort, id: nil, at: .bus("isa.0"), ["iobase": .number(0x402), "chardev": .text("firmware")])
        add(
            [.words(["-chardev", file]), .component(.device(port))], purpose: "firmware's debug port",
            from: [.everyVM])
    }

    /// Not with huge pages: one that the guest gave back could be gone when it wants it again, which ends QEMU by SIGBUS.
    private mutating func planBalloon() {
        guard params.hugePages.value == .no else { return }
        device(
            "virtio-balloon-pci", "balloon", PCILayout.balloon,
            ["free-page-reporting": .flag(true), "deflate-on-oom": .flag(true)],
            purpose: "gives free memory back to the host")
    }

    private mutating func device(
        _ driver: String, _ id: String, _ address: PCIAddress, _ properties: Properties = [:], purpose: String
    ) {
        add(.device(Device(driver, id: id, at: .root(address), properties)), purpose: purpose, from: .everyVM)
    }
}
