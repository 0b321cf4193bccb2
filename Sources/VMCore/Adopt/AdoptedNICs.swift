/// A network card of a QEMU that kvmctl did not start.
private struct AdoptedNIC {
    /// The option that defines it.
    var text: String
    var model: String?
    var mac: String?
    /// The other end of its cable.
    var backend: AdoptedBackend?
}

private struct AdoptedBackend {
    var text: String
    var kind: String
    var fields: OptionFields
}

// Network cards.
extension CommandLineReader {
    mutating func readCards() {
        var backends: [String: AdoptedBackend] = [:]
        for option in take("netdev") {
            var fields = OptionFields(option.value ?? "", implied: "type")
            let (kind, id) = (fields.take("type") ?? "", fields.take("id") ?? "")
            backends[id] = AdoptedBackend(text: option.text, kind: kind, fields: fields)
        }
        let asksForNone = options.contains { ["net", "nic"].contains($0.name) && $0.value == "none" }
        let asksForNothing = !asksForNone && !options.contains { ["net", "nic"].contains($0.name) } && backends.isEmpty
        var cards = readOldCards(&backends) + readNewCards() + readCardDevices(&backends)
        for (id, backend) in backends.sorted(by: { $0.key < $1.key }) { lose(backend.text, "no card has \(id)") }
        if cards.isEmpty, asksForNothing, hasDefaults {
            let backend = AdoptedBackend(text: "QEMU's default", kind: "user", fields: OptionFields(""))
            cards = [AdoptedNIC(text: "QEMU's default", backend: backend)]
        }
        var taps = facts.taps
        for (index, card) in cards.enumerated() { write(card, index, &taps) }
        if value(of: KeyName(.net, 0)) == nil {
            add(KeyName(.net, 0), "none", cards.isEmpty ? "it has no card" : "the network of its card has no key")
        }
    }

    private func value(of key: KeyName) -> String? { found.value(of: key) }

    /// `-net nic` and `-net tap`, which belong together in their order: with more of them they are all in one hub.
    private mutating func readOldCards(_ named: inout [String: AdoptedBackend]) -> [AdoptedNIC] {
        var cards: [AdoptedNIC] = []
        var backends: [AdoptedBackend] = []
        for option in take("net") where option.value != "none" {
            var fields = OptionFields(option.value ?? "", implied: "type")
            let kind = fields.take("type") ?? ""
            fields.drop("vlan", "name", "id")
            guard kind == "nic" else {
                backends.append(AdoptedBackend(text: option.text, kind: kind, fields: fields))
                continue
            }
            var card = AdoptedNIC(text: option.text, model: fields.take("model"), mac: fields.take("macaddr"))
            if let id = fields.take("netdev") { card.backend = named.removeValue(forKey: id) }
            lose(fields, of: option.text)
            cards.append(card)
        }
        if cards.count > 1, backends.count > 1 {
            lose("-net: its hub", "each card gets a network of its own, the first one the first")
        }
        for index in cards.indices where cards[index].backend == nil && !backends.isEmpty {
            cards[index].backend = backends.removeFirst()
        }
        for backend in backends { lose(backend.text, "no card has it") }
        return cards
    }

    private mutating func readNewCards() -> [AdoptedNIC] {
        take("nic").filter { $0.value != "none" }.map { option in
            var fields = OptionFields(option.value ?? "", implied: "type")
            let kind = fields.take("type") ?? ""
            var card = AdoptedNIC(text: option.text, model: fields.take("model"), mac: fields.take("mac", "macaddr"))
            fields.drop("id")
            card.backend = AdoptedBackend(text: option.text, kind: kind, fields: fields)
            return card
        }
    }

    private mutating func readCardDevices(_ named: inout [String: AdoptedBackend]) -> [AdoptedNIC] {
        let drivers: Set<String> = [
            "virtio-net-pci", "virtio-net", "virtio-net-pci-non-transitional", "virtio-net-pci-transitional", "e1000",
            "e1000e", "rtl8139", "pcnet", "ne2k_pci", "i82551", "i82557b", "i82559er", "vmxnet3", "igb", "usb-net",
        ]
        return takeDevices(drivers.contains).map { option, driver, fields in
            var fields = fields
            var card = AdoptedNIC(text: option.text, model: driver, mac: fields.take("mac"))
            card.backend = fields.take("netdev").flatMap { named.removeValue(forKey: $0) }
            leave("vectors", "mq", "romfile", "rombar", in: &fields, of: "-device \(driver)")
            if let place = fields.take("bootindex") {
                lose("-device \(driver): bootindex=\(place)", "BOOT says the order of kinds")
            }
            lose(fields, of: "-device \(driver)")
            return card
        }
    }

    private mutating func write(_ card: AdoptedNIC, _ index: Int, _ taps: inout [String]) {
        guard index < 8 else { return lose(card.text, "kvmctl has at most eight cards") }
        guard let backend = card.backend else { return lose(card.text, "it is connected to nothing") }
        guard let network = network(of: backend, index, &taps) else { return }
        add(KeyName(.net, index), network, backend.text)
        add(
            KeyName(.netMAC, index), card.mac ?? "\(Identity.macOfQEMU(card: index))",
            card.mac == nil ? "QEMU's default" : card.text)
        switch card.model {
        case "virtio"?, "virtio-net-pci"?, "virtio-net"?: break
        case let model? where model.hasPrefix("virtio-net-pci-"): break
        case "e1000e"?: add(KeyName(.netModel, index), "e1000e", card.text)
        case let model:
            add(KeyName(.netModel, index), "e1000e", "the nearest to \(model ?? "QEMU's default")")
            lose(
                "NET\(index): model \(model ?? "e1000")",
                "kvmctl has virtio and e1000e: the guest needs a driver for it")
        }
    }

    /// - Returns: the value of `NETn`; nil: kvmctl has no such network, and it is lost.
    private mutating func network(of backend: AdoptedBackend, _ index: Int, _ taps: inout [String]) -> String? {
        var fields = backend.fields
        defer { lose(fields, of: "NET\(index)") }
        switch backend.kind {
        case "user":
            for forward in fields.takeAll("hostfwd") { readForward(forward) }
            return "user"
        case "bridge":
            leave("helper", in: &fields, of: "NET\(index)")
            return "bridge:\(fields.take("br") ?? "br0")"
        case "tap":
            leave(
                "script", "downscript", "vhost", "vhostfd", "vhostfds", "vnet_hdr", "helper", "fd", "fds", in: &fields,
                of: "NET\(index)")
            let named = fields.take("ifname")
            if let queues = fields.take("queues") { add(KeyName(.netQueues, index), queues, backend.text) }
            let tap = named.flatMap { $0.contains("%") ? nil : $0 } ?? taps.first
            taps.removeAll { $0 == tap }
            guard let bridge = fields.take("br") ?? tap.flatMap({ facts.bridges[$0] }) else {
                lose(backend.text, "\(tap ?? "its tap") is not a port of a bridge")
                return nil
            }
            found.taps[index] = tap
            return "bridge:\(bridge)"
        case let kind:
            fields = OptionFields("")
            lose(backend.text, "kvmctl has no network \(kind)")
            return nil
        }
    }

    /// `tcp:[ADDRESS]:PORT-[ADDRESS]:PORT`.
    private mutating func readForward(_ text: String) {
        let ends = text.split(separator: "-", maxSplits: 1).map(String.init)
        let index = found.lines.count { $0.key.key == .forward }
        let host = ends.first?.split(separator: ":", omittingEmptySubsequences: false).map(String.init) ?? []
        let guest = ends.last?.split(separator: ":", omittingEmptySubsequences: false).map(String.init) ?? []
        guard ends.count == 2, host.count == 3, guest.count == 2, index < 100 else {
            return lose("hostfwd=\(text)", "it can't be read")
        }
        if !guest[0].isEmpty { lose("hostfwd=\(text)", "the guest's address is the one that DHCP gives it") }
        let address = host[1].isEmpty ? "0.0.0.0" : host[1]
        add(
            KeyName(.forward, index), "\(host[0].isEmpty ? "tcp" : host[0]):\(address):\(host[2]):\(guest[1])",
            "hostfwd=\(text)")
    }
}
