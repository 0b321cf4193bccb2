import BridgeNet

// The screen, the order of devices, the clock.
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
        let hasPassword = fields.takeFlag("password") == true
        var (own, advice) = (listen, "name a file of it in VNCPASSWORD_FILE")
        if fields.take("password-secret") != nil || hasPassword {
            found.protectedScreen = listen
            if IPAddress(listen)?.isLoopback != true {
                // Without its password it must not be open to other hosts.
                own = "127.0.0.1"
                advice += ", and then VNCBIND=\(listen): until then it listens on 127.0.0.1"
            }
            lose("\(option): its password", advice)
        }
        add(KeyName(.vncBind), own, option)
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

    mutating func readBoot() {
        guard let option = takeLast("boot") else { return }
        var fields = OptionFields(option.value ?? "", implied: "order")
        if let order = fields.take("order") {
            let words: [Character: BootDevice] = ["c": .disk, "d": .cdrom, "n": .net]
            let hasCard = found.value(of: KeyName(.net, 0)) != "none"
            if order.contains(where: { words[$0] == nil }) {
                lose("-boot order=\(order)", "BOOT has disk, cdrom and net")
            }
            let devices = order.compactMap { words[$0] }.filter { $0 != .net || hasCard }
            if !devices.isEmpty, devices != [.disk], devices != [.disk, .cdrom] {
                add(KeyName(.boot), devices.map(\.rawValue).joined(separator: ","), option.text)
            }
        }
        if let once = fields.take("once") { lose("-boot once=\(once)", "it was for that start only") }
        leave("strict", in: &fields, of: "-boot")
        for part in fields.rest { keep(QEMUOption(name: "boot", value: part)) }
    }

    mutating func readClock() {
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
}
