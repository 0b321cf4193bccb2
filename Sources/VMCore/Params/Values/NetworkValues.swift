import BridgeNet

/// Parsers for the values of keys about the network.
extension ParamsDecoder {
    package static func network(_ text: String) throws(ValueFault) -> NetworkChoice {
        var hint: Hint {
            """
            Write bridge:NAME, \(example: "nat"), isolated:NAME, macvtap:DEVICE, \(example: "user") or \(example: "none").
            """
        }
        // By bytes: splitting characters took a twentieth of decoding a file.
        let colon = text.utf8.firstIndex(of: UInt8(ascii: ":"))
        let kind = String(text[..<(colon ?? text.endIndex)])
        let name = colon.map { String(text[text.utf8.index(after: $0)...]) }
        let range = min(kind.utf8.count + 1, text.utf8.count)..<text.utf8.count
        switch kind {
        case "user", "nat", "none":
            guard name == nil else {
                throw ValueFault(
                    "'\(kind)' takes nothing after it", hint: hint, trying: ["Write \(value: kind) alone."],
                    range: kind.utf8.count..<text.utf8.count)
            }
            return kind == "none" ? .none : .network(kind == "nat" ? .nat : .user)
        case "bridge": return .network(.bridge(try bridge(name ?? "", range: range)))
        case "macvtap": return .network(.macvtap(try device(name ?? "", range: range)))
        case "isolated": return .network(.isolated(try networkName(name ?? "", range: range)))
        default: throw unknownNetwork(text, kind, hint: hint)
        }
    }

    private static func unknownNetwork(_ text: String, _ kind: String, hint: Hint) -> ValueFault {
        let isBridge = !text.contains { ":=,".contains($0) } && (text.hasPrefix("br") || text.hasPrefix("virbr"))
        let kinds = ["bridge", "nat", "isolated", "macvtap", "user", "none"]
        // virt-install and qm write bridge=br0,model=virtio.
        let word = kind.prefix { $0 != "=" }
        let rest = text.dropFirst(word.count)
        let name = rest.hasPrefix("=") ? ":" + rest.dropFirst().prefix { $0 != "," } : rest
        let meant = Nearest.match(word.lowercased(), among: kinds).map { "\($0)\(name)" }
        let candidates = [isBridge ? "bridge:\(text)" : nil, meant].compactMap(\.self)
        return ValueFault(
            "\(Printable.quoted(text)) is not a kind of network", hint: hint,
            trying: candidates.map { "Did you mean \(value: $0)?" })
    }

    static let interfaceRule: Hint =
        "An interface's name is 1 to 15 ASCII characters without '/', ':', '%' and spaces, and neither 'all' nor 'default'."

    /// A device, by any of its names: an alternative name that udev sets may be longer than an interface name can be.
    private static func device(_ text: String, range: Range<Int>) throws(ValueFault) -> DeviceName {
        if let name = DeviceName(text) { return name }
        if text.isEmpty {
            throw ValueFault("no device is given", hint: "Write macvtap:DEVICE, such as \(example: "macvtap:eth0").")
        }
        throw ValueFault("\(Printable.quoted(text)) can't be a device's name", hint: interfaceRule, range: range)
    }

    /// A bridge, which may not exist yet: its name has to be a valid interface name.
    static func bridge(_ text: String, range: Range<Int>? = nil) throws(ValueFault) -> DeviceName {
        if let name = InterfaceName(text) { return DeviceName(name) }
        if text.isEmpty {
            throw ValueFault("no bridge is given", hint: "Write bridge:NAME, such as \(example: "bridge:br0").")
        }
        throw ValueFault("\(Printable.quoted(text)) can't be a bridge's name", hint: interfaceRule, range: range)
    }

    private static func networkName(_ text: String, range: Range<Int>) throws(ValueFault) -> NetworkName {
        if let name = NetworkName(text) { return name }
        if text.isEmpty {
            throw ValueFault("no network is given", hint: "Write isolated:NAME, such as \(example: "isolated:lab").")
        }
        throw ValueFault(
            "\(Printable.quoted(text)) can't be a network's name",
            hint: "A network's name is 1 to \(NetworkName.maximumLength) letters, digits, '.', '_' and '-'.",
            range: range)
    }

    static func tap(_ text: String) throws(ValueFault) -> InterfaceName {
        guard let name = InterfaceName(text) else {
            throw ValueFault("\(Printable.quoted(text)) can't be a tap's name", hint: interfaceRule)
        }
        guard !name.isPrivate else {
            throw ValueFault(
                "names such as \(name) are reserved for kvmctl's bridges for nat and isolated networks",
                hint: "Write another name, such as \(example: "tap7").")
        }
        return name
    }

    static func mtu(_ text: String) throws(ValueFault) -> Int {
        // ETH_MIN_MTU and ETH_MAX_MTU of the kernel's if_ether.h.
        try ParamValue.integer(text, in: 68...65535)
    }

    static func queues(_ text: String) throws(ValueFault) -> Int { try ParamValue.integer(text, in: 1...16) }

    static func mac(_ text: String) throws(ValueFault) -> MACAddress {
        guard let mac = MACAddress(text) else {
            throw ValueFault(
                "\(Printable.quoted(text)) is not a MAC address",
                hint: """
                    Write six pairs of hex digits, such as \(example: "52:54:00:12:34:56"); \(removal: "without the line"), \
                    one is derived.
                    """)
        }
        guard !mac.isMulticast else {
            throw ValueFault(
                "\(mac) is a group address, which no NIC can have", hint: "The first pair has to be even, such as 52.",
                trying: [singleStation(mac)].compactMap(\.self), range: 0..<2)
        }
        guard !mac.isZero else {
            throw ValueFault(
                "a NIC's MAC can't be all zeros",
                hint: """
                    Write one such as \(example: "52:54:00:12:34:56"); \(removal: "without the line"), one is derived.
                    """
            )
        }
        return mac
    }

    /// The same address without the bit that makes it a group address (IEEE 802, I/G).
    private static func singleStation(_ mac: MACAddress) -> Hint? {
        MACAddress(octets: [mac.octets[0] & 0xfe] + mac.octets.dropFirst()).map {
            "The first pair has to be even: write \(value: $0)"
        }
    }
}
