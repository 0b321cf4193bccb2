// Monitors, and what is left.
extension CommandLineReader {
    mutating func readRest() {
        readBoot()
        readClock()
        readMonitors()
        let parts = take("audiodev", "chardev", "fsdev", "object", "tpmdev")
        for option in options { sort(option) }
        for option in parts { sortPart(option) }
        for option in verbatim { keepAsItIs(option) }
    }

    /// What talks with QEMU. Its sockets are of use only to adopt it.
    private mutating func readMonitors() {
        var sockets: [String: String] = [:]
        for option in options where option.name == "chardev" {
            var fields = OptionFields(option.value ?? "", implied: "backend")
            guard fields.take("backend") == "socket", let id = fields.take("id"), let path = fields.take("path") else {
                continue
            }
            sockets[id] = path
        }
        for option in take("mon") {
            var fields = OptionFields(option.value ?? "", implied: "chardev")
            found.kvmctls.append(option.text)
            guard let id = fields.take("chardev") else { continue }
            if fields.take("mode") == "control", let path = sockets[id].flatMap(absolute) {
                found.monitors.append(path)
            }
        }
        for option in take("qmp", "qmp-pretty") {
            found.kvmctls.append(option.text)
            guard let value = option.value, value.hasPrefix("unix:") else { continue }
            var fields = OptionFields(String(value.dropFirst(5)), implied: "path")
            if let path = fields.take("path").flatMap(absolute) { found.monitors.append(path) }
        }
        for option in take("monitor") {
            found.kvmctls.append(option.text)
            if option.value != "none" { found.hasHumanMonitor = true }
        }
    }

    /// What every VM has from kvmctl, in its own way.
    private static let own: Set<String> = [
        "D", "S", "chroot", "daemonize", "msg", "no-shutdown", "no-user-config", "nodefaults", "nodefconfig",
        "parallel", "pidfile", "run-with", "runas", "sandbox", "serial", "usb",
    ]

    /// Devices that every VM of kvmctl's has, or the buses that it lays out.
    private static let ownDevices: Set<String> = [
        "ahci", "ich9-ahci", "ich9-usb-ehci1", "ich9-usb-uhci1", "ich9-usb-uhci2", "ich9-usb-uhci3",
        "isa-debugcon", "isa-serial", "lsi53c895a", "nec-usb-xhci", "pci-bridge", "pcie-pci-bridge", "pcie-root-port",
        "piix3-usb-uhci", "pvpanic",
        "qemu-xhci", "usb-tablet", "virtconsole", "virtio-balloon", "virtio-balloon-pci", "virtio-rng-pci",
        "virtio-scsi-pci", "virtio-serial", "virtio-serial-pci", "virtserialport",
    ]

    /// What stays as it is: nothing in it is a descriptor, or a place of the old machine.
    private static let kept: Set<String> = [
        "acpitable", "bios", "boot", "fw_cfg", "global", "icount", "machine", "mem-prealloc", "no-acpi", "no-hpet",
        "no-reboot", "overcommit", "rtc", "smbios", "watchdog", "watchdog-action",
    ]

    static let noUEFI = "FIRMWARE=uefi is not implemented: its guest would not boot"

    private mutating func sort(_ option: QEMUOption) {
        if Self.own.contains(option.name) { return found.kvmctls.append(option.text) }
        if Self.kept.contains(option.name) { return keep(option) }
        switch option.name {
        case "device": sortDevice(option)
        case "snapshot": lose(option.text, "what the guest writes is thrown away when it ends; from then on it is kept")
        case "incoming", "loadvm": lose(option.text, "it was for that start only")
        case "mem-path": lose(option.text, "HUGEPAGES says whether the memory is in huge pages")
        case "pflash": lose(option.text, Self.noUEFI)
        case "virtfs": lose(option.text, "SHAREn shares a directory by virtiofs, which the guest mounts otherwise")
        case "add-fd": lose(option.text, "a descriptor is gone with its process")
        default: lose(option.text, "there is no key for it")
        }
    }

    private mutating func sortDevice(_ option: QEMUOption) {
        var fields = OptionFields(option.value ?? "", implied: "driver")
        if let driver = fields.take("driver"), Self.ownDevices.contains(driver) {
            return found.kvmctls.append(option.text)
        }
        let bus = fields.take("bus") ?? "usb.0"
        guard ["pci.0", "pcie.0", "usb.0"].contains(bus), fields.take("addr") == nil else {
            return lose(option.text, "it has a slot of its own, and kvmctl lays out the buses")
        }
        keep(option)
    }

    /// Something that serves a device: it stays if that does.
    private mutating func sortPart(_ option: QEMUOption) {
        var fields = OptionFields(option.value ?? "", implied: "kind")
        let kind = fields.take("kind", "qom-type", "driver") ?? ""
        if let id = fields.take("id"), verbatim.contains(where: { $0.value?.contains("=\(id)") == true }) {
            return keep(option)
        }
        switch option.name {
        case "chardev", "audiodev": found.kvmctls.append(option.text)
        case "object" where kind.hasPrefix("rng-") || kind == "iothread": found.kvmctls.append(option.text)
        case "object" where kind.hasPrefix("memory-backend"):
            lose(option.text, "MEMORY says how much, and HUGEPAGES whether in huge pages")
        default: lose(option.text, "there is no key for it")
        }
    }

    private mutating func keepAsItIs(_ option: QEMUOption) {
        let first = found.lines.count { $0.key.key == .qemuArgument }
        let words = option.words
        guard first + words.count <= 100 else { return lose(option.text, "kvmctl passes on at most a hundred words") }
        guard
            !words.contains(where: {
                $0.hasPrefix("-") && $0.contains(" ") || $0.utf8.contains(where: ShellWord.isControl)
            })
        else { return lose(option.text, "no line can hold it") }
        for (offset, word) in words.enumerated() {
            add(KeyName(.qemuArgument, first + offset), word, "as it is")
        }
    }
}
