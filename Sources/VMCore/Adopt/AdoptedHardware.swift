// Memory, processors, the board; the kernel.
extension CommandLineReader {
    mutating func readMachine() {
        readIdentity()
        readBoard()
        readMemory()
        readProcessors()
    }

    private mutating func readIdentity() {
        if let name = takeLast("name"), let value = name.value {
            var fields = OptionFields(value, implied: "guest")
            found.givenName = fields.take("guest")
            leave("process", "debug-threads", in: &fields, of: "-name")
            lose(fields, of: "-name")
        }
        guard let uuid = takeLast("uuid"), let value = uuid.value else {
            return add(KeyName(.uuid), facts.newUUID.description, "it has none: a new one")
        }
        add(KeyName(.uuid), value.lowercased(), uuid.text)
    }

    private mutating func readBoard() {
        var (board, reason): (String?, String) = (nil, "QEMU's default")
        var accelerators: [String] = []
        for option in take("machine", "M") {
            var fields = OptionFields(option.value ?? "", implied: "type")
            if let type = fields.take("type") { (board, reason) = (type, "\(option.words[0]) \(type)") }
            accelerators += fields.take("accel")?.split(separator: ":").map(String.init) ?? []
            leave("usb", "dump-guest-core", "memory-backend", in: &fields, of: "-machine")
            for part in fields.rest { keep(QEMUOption(name: "machine", value: part)) }
        }
        let word = board ?? "pc"
        let versioned = facts.board ?? facts.pinned[word] ?? word
        add(KeyName(.machine), versioned, versioned == word ? reason : "\(reason), in the version that it has")
        readAccelerator(&accelerators)
        if let program = facts.program { add(KeyName(.qemu), program, "the program that it is") }
    }

    private mutating func readAccelerator(_ names: inout [String]) {
        if !take("enable-kvm").isEmpty { names.append("kvm") }
        for option in take("accel") {
            var fields = OptionFields(option.value ?? "", implied: "accel")
            names += fields.take("accel").map { [$0] } ?? []
            leave("thread", in: &fields, of: "-accel")
            lose(fields, of: "-accel")
        }
        if !take("no-kvm").isEmpty { names = ["tcg"] }
        let asked = Set(names)
        if asked == ["kvm", "tcg"] { return add(KeyName(.accel), "auto", "-accel \(names.joined(separator: ":"))") }
        if let usesKVM = facts.usesKVM {
            add(KeyName(.accel), usesKVM ? "kvm" : "tcg", asked.isEmpty ? "QEMU's default" : "as it runs")
        } else {
            add(KeyName(.accel), names.first ?? "tcg", asked.isEmpty ? "QEMU's default" : "-accel \(names[0])")
        }
    }

    private mutating func readMemory() {
        guard let option = takeLast("m") else {
            return add(KeyName(.memory), "128M", "QEMU's default")
        }
        var fields = OptionFields(option.value ?? "", implied: "size")
        let size = fields.take("size") ?? "128"
        let unit = size.last.map { "kKmMgGtT".contains($0) } == true ? size.uppercased() : "\(size)M"
        add(KeyName(.memory), unit, option.text)
        lose(fields, of: "-m")
    }

    private mutating func readProcessors() {
        let smp = takeLast("smp")
        var fields = OptionFields(smp?.value ?? "", implied: "cpus")
        let cpus = fields.take("cpus")
        let (sockets, dies) = (fields.take("sockets"), fields.take("dies", "clusters"))
        let parts = [sockets, dies, fields.take("cores"), fields.take("threads")].compactMap(\.self)
        let product = parts.compactMap { Int($0) }.filter { (1...255).contains($0) }.reduce(1) { min($0 * $1, 1000) }
        add(KeyName(.cpus), cpus ?? "\(product)", smp?.text ?? "QEMU's default")
        if product > 1 { lose("-smp: sockets, cores, threads", "the guest sees one core in each socket") }
        if let most = fields.take("maxcpus"), most != cpus { lose("-smp: maxcpus=\(most)", "there is no key for it") }
        lose(fields, of: "-smp")
        let model = takeLast("cpu")
        add(KeyName(.cpu), model?.value ?? "qemu64", model?.text ?? "QEMU's default")
    }

    mutating func readKernel() {
        for (name, key) in [("kernel", ParamsKey.kernel), ("initrd", .initrd), ("append", .append)] {
            guard let option = takeLast(name), let value = option.value else { continue }
            guard key != .append else {
                add(KeyName(key), value, "-append")
                continue
            }
            if let path = absolute(value) { add(KeyName(key), path, option.text) } else { losePath(option.text) }
        }
    }

    mutating func losePath(_ what: String) {
        lose(what, "the directory that the path is below is gone")
    }
}
