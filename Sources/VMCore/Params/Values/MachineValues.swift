import SystemPackage

/// Parsers for the values of keys about the machine.
extension ParamsDecoder {
    package static let nameRule = "A name is 1 to 64 letters, digits, '.', '_' and '-', and does not begin with '-'."

    static func name(_ text: String) throws(ValueFault) -> VMName {
        if let name = VMName(text) { return name }
        let plain = LineRepair.plainName(text)
        throw ValueFault(
            "\(Printable.quoted(text)) can't be a VM's name", hint: Hint(text: nameRule),
            trying: VMName(plain) == nil ? [] : ["\(nameRule) \(value: plain) would do."])
    }

    static func uuid(_ text: String) throws(ValueFault) -> UUID {
        var hint: Hint {
            "Write 32 hex digits as 8-4-4-4-12; 'uuidgen' makes one. \(removal: "Without the line"), one is derived."
        }
        guard let uuid = UUID(text) else {
            throw ValueFault("\(Printable.quoted(text)) is not a UUID", hint: hint)
        }
        guard uuid != .zero else {
            throw ValueFault("the nil UUID identifies nothing", hint: hint)
        }
        return uuid
    }

    static func memory(_ text: String) throws(ValueFault) -> ByteCount {
        try ParamValue.size(text, bareUnit: .mebi, in: ByteCount(bytes: 1 << 20)...ByteCount(bytes: 16 << 40))
    }

    static func consoleLog(_ text: String) throws(ValueFault) -> ByteCount {
        try ParamValue.size(text, bareUnit: nil, in: LogLimit.smallest...ByteCount(bytes: 1 << 40))
    }

    static func cpus(_ text: String) throws(ValueFault) -> Int { try ParamValue.integer(text, in: 1...255) }

    static func cpu(_ text: String) throws(ValueFault) -> String {
        try ParamValue.text(
            text, "CPU model", limit: 1024,
            hint: "Write a model and its flags without spaces, such as \(example: "Haswell-v4,-hle").",
            trying: ["Write it without spaces: \(value: text.filter { $0 != " " })"]
        ) { $0 > 0x20 && $0 < 0x7f }
    }

    /// `DESCRIPTION` stands in every list, and in the manifest, of which only so much is read.
    static func description(_ text: String) throws(ValueFault) -> String {
        let most = 1000
        guard text.utf8.count <= most else {
            throw ValueFault("has \(text.utf8.count) bytes: at most \(most) are allowed", hint: "Write a shorter text.")
        }
        return text
    }

    static func machine(_ text: String) throws(ValueFault) -> MachineModel {
        if let machine = MachineModel(text), text.isPlain(and: ".-_") { return machine }
        let nearest = ["Q35", "PC", "I440FX"].contains(text.uppercased()) ? text.lowercased() : nil
        let meant = nearest == "i440fx" ? "pc" : nearest ?? Nearest.match(text.lowercased(), among: ["q35", "pc"])
        var general: Hint {
            "Write \(example: "q35"), \(example: "pc"), or a versioned name such as \(example: "pc-q35-7.2")."
        }
        throw ValueFault(
            "\(Printable.quoted(text)) is not a machine type that kvmctl knows",
            hint: general, trying: meant.map { ["Did you mean \(value: $0)?"] } ?? [])
    }

    static func boot(_ text: String) throws(ValueFault) -> [BootDevice] {
        var devices: [BootDevice] = []
        var offset = 0
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            let range = offset..<offset + word.utf8.count
            guard let device = BootDevice(rawValue: String(word)) else {
                var fault = ParamValue.unknownWord(
                    String(word), of: BootDevice.allCases.map(\.rawValue), range: range)
                let rule = " Separate them with commas, without spaces."
                fault.hint = fault.hint?.followed(by: rule)
                fault.trying = fault.trying.map { $0.followed(by: rule) }
                throw fault
            }
            guard !devices.contains(device) else {
                let once = (devices.map(\.rawValue)).joined(separator: ",")
                throw ValueFault(
                    "'\(word)' is listed twice", hint: "List each device once.",
                    trying: ["List each device once, such as \(value: once)."], range: range)
            }
            devices.append(device)
            offset = range.upperBound + 1
        }
        return devices
    }

    static func runAs(_ text: String) throws(ValueFault) -> String {
        var hint: Hint {
            "Write a user, or user:group, by name or number."
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 32 && !$0.hasPrefix("-") }) else {
            throw ValueFault("\(Printable.quoted(text)) is not a user", hint: hint)
        }
        for part in parts where part.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // 2^32 - 1 means "no change" to chown(2) and setresuid(2).
            guard let id = UInt32(part), id != UInt32.max else {
                throw ValueFault(
                    "\(part) is out of range", hint: "Ids range from \(example: 0) to \(example: UInt32.max - 1).")
            }
        }
        return try ParamValue.text(text, "user", limit: 65, hint: hint) { $0.isPlain(or: "_.-$:") }
    }

    static func keymap(_ text: String) throws(ValueFault) -> String {
        try ParamValue.text(
            text, "keyboard map", limit: 32,
            hint: """
                Write a name such as \(example: "de"), \(example: "en-us") or \(example: "fr-be"): letters, digits, '-', '_'.
                """
        ) { $0.isPlain(or: "-_") }
    }

    /// `QEMU`: a value with a slash is a path.
    func qemu(_ text: String) throws(ValueFault) -> String {
        if text.contains("/") { return try ParamValue.path(text, in: directory(of: .qemu)).string }
        return try ParamValue.text(
            text, "command", limit: 255,
            hint: "Write a path or the name of a command; arguments go in QEMUARG0 and so on."
        ) { $0.isPlain(or: "-_.+") }
    }

    static func qemuArgument(_ text: String) throws(ValueFault) -> String {
        // Verbatim means one element of argv. A QEMU option never contains a space, so this is two in one.
        if text.hasPrefix("-"), let blank = text.utf8.enumerated().first(where: { $0.element == 0x20 })?.offset {
            throw ValueFault(
                "this is an option and its value in one argument, which QEMU does not accept",
                hint: "Use two keys, such as QEMUARG0=-device and QEMUARG1=virtio-rng-pci.", range: blank..<blank + 1)
        }
        return text
    }
}
