import BridgeNet
import SystemPackage

/// Values of a command's options, which follow the same rules as the values in vm.params.
package enum OptionValue {
    /// What is wrong with an option's value.
    package struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// The reason, and what to write, one sentence each.
        package let description: String

        /// A fault with these sentences.
        package init(description: String) { self.description = description }
    }

    /// `NAME`.
    package static func name(_ text: String) throws(Fault) -> VMName { try judged(text, ParamsDecoder.name) }

    /// `TAGS`.
    package static func tags(_ text: String) throws(Fault) -> [String] { try judged(text, ParamsDecoder.tags) }

    /// Words with commas between them, of a closed set.
    ///
    /// - Parameters:
    ///   - noun: What each of them is, such as `a state`.
    ///   - rule: What comes before the words in a fault, such as `States are`.
    package static func list<Word: CaseIterable & RawRepresentable<String>>(
        _ text: String, each noun: String, rule: String
    ) throws(Fault) -> [Word] {
        try judged(text) { text throws(ValueFault) in try ParamValue.list(text, each: noun, rule: rule) }
    }

    /// `MEMORY`; a bare number is MiB.
    package static func memory(_ text: String) throws(Fault) -> ByteCount { try judged(text, ParamsDecoder.memory) }

    /// `CPUS`.
    package static func cpus(_ text: String) throws(Fault) -> Int { try judged(text, ParamsDecoder.cpus) }

    /// `DISKn_SIZE`.
    package static func diskSize(_ text: String) throws(Fault) -> ByteCount { try judged(text, ParamsDecoder.diskSize) }

    /// The size of a new VM's disk; nil: `none`.
    package static func newDisk(_ text: String) throws(Fault) -> ByteCount? {
        if text == "none" { return nil }
        do throws(Fault) { return try diskSize(text) } catch {
            guard text.contains("/") || FilePath(text).extension?.first?.isLetter == true else { throw error }
            throw Fault(
                description: "\(Printable.quoted(text)) is a file, and --disk makes a new disk of a size such as 8G. "
                    + "Use one that is there with --set DISK0=FILE instead.")
        }
    }

    /// `NETn`; nil: `none`.
    package static func network(_ text: String) throws(Fault) -> Network? {
        switch try judged(text, ParamsDecoder.network) {
        case .network(let network): network
        case .none: nil
        }
    }

    /// `NETn`, for a NIC that there is.
    package static func connected(_ text: String) throws(Fault) -> Network {
        if let network = try network(text) { return network }
        throw Fault(description: "'none' is not a network. Write one such as bridge:br0, nat or user.")
    }

    /// `NETn_MAC`.
    package static func mac(_ text: String) throws(Fault) -> MACAddress { try judged(text, ParamsDecoder.mac) }

    /// `FORWARDn`.
    package static func forward(_ text: String) throws(Fault) -> PortForward { try judged(text, ParamsDecoder.forward) }

    /// `DISKn_FORMAT`.
    package static func format(_ text: String) throws(Fault) -> DiskFormat {
        try judged(text) { text throws(ValueFault) in try ParamValue.word(text) }
    }

    /// `NETn_VLAN`.
    package static func vlans(_ text: String) throws(Fault) -> PortVLANs { try judged(text, ParamsDecoder.vlans) }

    /// `VNCDISP`.
    package static func vncDisplay(_ text: String) throws(Fault) -> VNCDisplay {
        try judged(text, ParamsDecoder.display)
    }

    /// A bridge's name.
    package static func bridge(_ text: String) throws(Fault) -> InterfaceName {
        try interface(text, "bridge", InterfaceName.init)
    }

    /// An existing bridge, by any of its names.
    package static func presentBridge(_ text: String) throws(Fault) -> DeviceName {
        try interface(text, "bridge", DeviceName.init)
    }

    /// A network device, by any of its names.
    package static func device(_ text: String) throws(Fault) -> DeviceName {
        try interface(text, "device", DeviceName.init)
    }

    private static func interface<Name>(
        _ text: String, _ what: String, _ name: (String) -> Name?
    ) throws(Fault) -> Name {
        try judged(text) { text throws(ValueFault) in
            if let name = name(text) { return name }
            throw ValueFault("\(Printable.quoted(text)) can't be a \(what)'s name", hint: ParamsDecoder.interfaceRule)
        }
    }

    /// A host's address with the prefix length of its network.
    package static func addressWithLength(_ text: String) throws(Fault) -> IPPrefix {
        try judged(text) { text throws(ValueFault) in
            let hint: Hint =
                "Write the host's address with its prefix length, such as 192.168.1.5/24 or 2001:db8::5/64."
            guard let prefix = IPPrefix(text) else {
                throw ValueFault("\(Printable.quoted(text)) is not an address with a prefix length", hint: hint)
            }
            let hasHosts = prefix.length < prefix.address.family.bits - 1
            let isNetwork = hasHosts && (prefix.network == prefix || prefix.isBroadcast)
            if prefix.length == 0 || isNetwork || prefix.address.isMulticast || prefix.address.isLoopback {
                throw ValueFault("\(prefix) can't be a host's address", hint: hint)
            }
            return prefix
        }
    }

    /// An IP address.
    package static func address(_ text: String) throws(Fault) -> IPAddress {
        try judged(text) { text throws(ValueFault) in
            if let address = IPAddress(text), !address.isUnspecified, !address.isMulticast { return address }
            throw ValueFault(
                "\(Printable.quoted(text)) is not a host's address", hint: "Write one such as 192.168.1.1 or fe80::1.")
        }
    }

    /// A bridge's MTU in bytes.
    package static func mtu(_ text: String) throws(Fault) -> Int {
        try judged(text) { text throws(ValueFault) in try ParamValue.integer(text, in: BridgeSpec.mtuRange) }
    }

    /// A network service.
    package static func networkService(_ text: String) throws(Fault) -> NetworkService {
        try judged(text) { text throws(ValueFault) in
            if let service = NetworkService(rawValue: text) { return service }
            throw ValueFault(
                "\(Printable.quoted(text)) is not a network service that kvmctl knows",
                hint: "Choose one of: \(NetworkService.allCases.map(\.rawValue).joined(separator: ", "))")
        }
    }

    /// A device of a VM, as vm.params calls it: `DISK1`, `cdrom0`.
    package static func device(_ text: String, of key: ParamsKey) throws(Fault) -> KeyName {
        try judged(text) { text throws(ValueFault) in
            if case .entry(let entry, let name) = ParamsSchema.find(text.uppercased()), entry.key == key { return name }
            let word = key.pattern
            throw ValueFault(
                "\(Printable.quoted(text)) is not a \(word)",
                hint: "Write it as vm.params does, such as \(KeyName(key, 0)); kvmctl show VM lists those that it has.",
                trying: number(in: text).map { ["Did you mean \(value: KeyName(key, $0))?"] } ?? [])
        }
    }

    /// The number in a name such as `1`, `eth1` or `cdrom-1`; nil for other words. Letters, as in vdb, don't tell it: they
    /// follow the order of the disks.
    private static func number(in text: String) -> Int? {
        let digits = text.drop { !$0.isNumber }
        return text.utf8.contains(UInt8(ascii: ":")) || digits.count > 2 ? nil : Int(digits)
    }

    /// A key of vm.params, with its number.
    package static func key(_ text: String) throws(Fault) -> KeyName {
        if case .entry(_, let name) = ParamsSchema.find(text.uppercased()) { return name }
        let nearest = ParamsSchema.nearest(to: text).map { " Did you mean \($0)?" } ?? ""
        throw Fault(description: "\(Printable.quoted(text)) is not a key of vm.params.\(nearest)")
    }

    /// A number of lines.
    package static func lines(_ text: String) throws(Fault) -> Int {
        try judged(text) { text throws(ValueFault) in try ParamValue.integer(text, in: 0...1_000_000_000) }
    }

    /// A duration: `30s`, `2m`, `1h`, or bare seconds.
    package static func duration(_ text: String) throws(Fault) -> Duration {
        try judged(text, ParamValue.duration)
    }

    /// The same, or a decimal fraction of seconds: `0.5`.
    package static func interval(_ text: String) throws(Fault) -> Duration {
        let digits = text.hasSuffix("s") ? text.dropLast() : text[...]
        guard digits.contains("."), digits.utf8.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: ".") }),
            let seconds = Double(digits), seconds < 86400
        else { return try duration(text) }
        return .milliseconds(Int(seconds * 1000))
    }

    /// A variable of an environment, `NAME=VALUE`, with a name that a shell takes.
    package static func variable(_ text: String) throws(Fault) -> String {
        let name = text.utf8.prefix { $0 != UInt8(ascii: "=") }
        let isName = name.first.map { !$0.isDigit } == true && name.allSatisfy { $0.isPlain(or: "_") }
        guard isName, name.count < text.utf8.count else {
            throw Fault(description: "\(Printable.quoted(text)) is not a variable. Write NAME=VALUE.")
        }
        return text
    }

    /// The name of a user of a guest.
    package static func user(_ text: String) throws(Fault) -> String {
        guard text.unicodeScalars.first != "-", !text.isEmpty, text.unicodeScalars.allSatisfy(Printable.isPlain) else {
            throw Fault(description: "\(Printable.quoted(text)) is not a user's name.")
        }
        return text
    }

    /// A directory in a guest. A shell's variable that is not set must not make it another one.
    package static func guestDirectory(_ text: String) throws(Fault) -> String {
        guard text.hasPrefix("/") else {
            throw Fault(description: "\(Printable.quoted(text)) is not an absolute path in the guest.")
        }
        return text
    }

    /// What a parser of a file's values makes of a text.
    static func judged<Value>(
        _ text: String, _ parse: (String) throws(ValueFault) -> Value
    ) throws(Fault) -> Value {
        do throws(ValueFault) { return try parse(text) } catch {
            let hint = error.bestHint { (try? parse($0)) != nil }
            throw Fault(description: [error.message + ".", hint?.text].compactMap(\.self).joined(separator: " "))
        }
    }
}

extension ValueFault {
    /// The first of the better hints whose values are all accepted; else the usual one.
    func bestHint(_ accepts: (String) -> Bool) -> Hint? {
        let better = advice.trying.first { hint in
            hint.offers.allSatisfy { if case .value(let value) = $0 { accepts(value) } else { false } }
        }
        return better ?? advice.hint
    }
}
