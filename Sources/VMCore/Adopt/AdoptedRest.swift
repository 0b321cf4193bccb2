// The screen, the clock, the order of devices; monitors, and what is left.
extension CommandLineReader {
    mutating func readScreen() {
        let screens = take("display", "nographic", "sdl", "curses", "full-screen", "alt-grab", "ctrl-grab", "no-frame")
        for option in screens where !["none", "vnc"].contains(option.value) {
            if option.name == "display", let value = option.value, value.hasPrefix("vnc=") {
                readVNC(String(value.dropFirst(4)), option.text)
            } else {
                found.kvmctls.append(option.text)
            }
        }
        if let option = takeLast("vnc"), let value = option.value {
            readVNC(value, option.text)
        } else if value(of: .vncDisplay) == nil, let vnc = facts.vnc {
            add(KeyName(.vncDisplay), "\(vnc.port.display)", "as it runs")
            add(KeyName(.vncBind), vnc.address, "as it runs")
        } else if value(of: .vncDisplay) == nil {
            add(KeyName(.vncDisplay), "none", "it has no -vnc")
        }
        readCard()
        if let keymap = takeLast("k"), let value = keymap.value { add(KeyName(.keymap), value, keymap.text) }
    }

    private func value(of key: ParamsKey) -> String? { found.value(of: KeyName(key)) }

    /// `ADDRESS:DISPLAY,…`.
    private mutating func readVNC(_ text: String, _ option: String) {
        var fields = OptionFields(text, implied: "vnc")
        let place = fields.take("vnc") ?? ""
        let colon = place.lastIndex(of: ":")
        let address = colon.map { String(place[..<$0]) } ?? ""
        guard place != "none", address != "unix", let colon, let number = Int(place[place.index(after: colon)...])
        else {
            add(KeyName(.vncDisplay), "none", option)
            if place != "none" { lose(option, "kvmctl's VNC is a TCP port") }
            return
        }
        let literal = address.hasPrefix("[") ? String(address.dropFirst().dropLast()) : address
        let listen = ["": "0.0.0.0", "localhost": "127.0.0.1"][literal] ?? literal
        add(KeyName(.vncDisplay), "\(facts.vnc.map { Int($0.port.display) } ?? number)", option)
        add(KeyName(.vncBind), listen, option)
        if fields.takeFlag("password") == true || fields.take("password-secret") != nil {
            lose("\(option): its password", "name a file of it in VNCPASSWORD_FILE")
        }
        leave("to", in: &fields, of: "-vnc")
        lose(fields, of: "-vnc")
    }

    private mutating func readCard() {
        let devices = ["VGA": "std", "qxl-vga": "qxl", "virtio-vga": "virtio", "cirrus-vga": "cirrus"]
        var models = take("vga").compactMap(\.value)
        for (_, driver, fields) in takeDevices({ devices[$0] != nil }) {
            models += [devices[driver]].compactMap(\.self)
            lose(fields, of: "-device \(driver)")
        }
        guard let model = models.last else { return }
        if VideoModel(rawValue: model) != nil { return add(KeyName(.video), model, "its graphics card") }
        lose("the graphics card \(model)", "kvmctl has std, virtio and qxl: the guest sees std")
    }

    mutating func readRest() {
        readBoot()
        readClock()
        readMonitors()
        let parts = take("audiodev", "chardev", "fsdev", "object", "tpmdev")
        for option in options { sort(option) }
        for option in parts { sortPart(option) }
        for option in verbatim { keepAsItIs(option) }
    }

    private mutating func readBoot() {
        guard let option = takeLast("boot") else { return }
        var fields = OptionFields(option.value ?? "", implied: "order")
        if let order = fields.take("order") {
            let words: [Character: BootDevice] = ["c": .disk, "d": .cdrom, "n": .net]
            let hasCard = value(of: .net) != "none" && found.value(of: KeyName(.net, 0)) != "none"
            let devices = order.compactMap { words[$0] }.filter { $0 != .net || hasCard }
            if !devices.isEmpty, devices != [.disk], devices != [.disk, .cdrom] {
                add(KeyName(.boot), devices.map(\.rawValue).joined(separator: ","), option.text)
            }
        }
        if let once = fields.take("once") { lose("-boot once=\(once)", "it was for that start only") }
        leave("strict", in: &fields, of: "-boot")
        for part in fields.rest { keep(QEMUOption(name: "boot", value: part)) }
    }

    private mutating func readClock() {
        if let option = takeLast("rtc") {
            var fields = OptionFields(option.value ?? "", implied: "base")
            switch fields.take("base") {
            case nil, "utc"?: break
            case "localtime"?: add(KeyName(.rtc), "localtime", option.text)
            case let base?: lose("-rtc base=\(base)", "RTC is utc or localtime")
            }
            for part in fields.rest { keep(QEMUOption(name: "rtc", value: part)) }
        }
        for option in take("localtime") { add(KeyName(.rtc), "localtime", option.text) }
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
        "parallel",
        "pidfile", "run-with", "runas", "sandbox", "serial", "usb",
    ]

    /// Devices that every VM of kvmctl's has, or the buses that it lays out.
    private static let ownDevices: Set<String> = [
        "ahci", "ich9-ahci", "ich9-usb-ehci1", "ich9-usb-uhci1", "ich9-usb-uhci2", "ich9-usb-uhci3", "isa-serial",
        "lsi53c895a", "nec-usb-xhci", "pci-bridge", "pcie-pci-bridge", "pcie-root-port", "piix3-usb-uhci", "pvpanic",
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
