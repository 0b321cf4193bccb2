import BridgeNet
import SystemPackage

extension ParamsDecoder {
    /// `none` is a choice too, but no NIC.
    enum NetworkChoice: Equatable {
        case network(Network)
        case none
    }

    /// Whether some NIC was asked for in a line that is wrong: it may be the one that something else needs.
    func hasFaultyNIC(besides nics: [VMParams.NIC]) -> Bool {
        (0...7).contains { index in
            let isMentioned = mentions(.net, at: index) || index == 0 && mentions(.bridge)
            let isDecoded = nics.contains { $0.index == index } || assignment(.net, at: index)?.value == "none"
            return isMentioned && !isDecoded
        }
    }

    mutating func decodeNICs() -> [VMParams.NIC] {
        var nics: [VMParams.NIC] = []
        // NET0 is there without being written.
        let written = indices(of: .net)
        let others = indices(of: .netMAC) + indices(of: .netTap) + indices(of: .netMTU)
        for index in Set([0] + written + others).sorted() {
            let mac = decodeMAC(index)
            let tap = setting(.netTap, at: index, Self.tap)
            let mtu = setting(.netMTU, at: index) { text throws(ValueFault) in
                // ETH_MIN_MTU and ETH_MAX_MTU of the kernel's if_ether.h.
                try ParamValue.integer(text, in: 68...65535)
            }
            guard let choice = decodeNetwork(index) else { continue }
            refuseWithout(choice, index)
            guard case .network(let network) = choice.value else { continue }
            nics.append(
                VMParams.NIC(
                    index: index, network: Setting(network, choice.origin), mac: mac, tap: tap, mtu: mtu))
        }
        refuseSharedNames(nics)
        return nics
    }

    private mutating func decodeNetwork(_ index: Int) -> Setting<NetworkChoice>? {
        let choice = setting(.net, at: index, Self.network)
        guard index == 0 else { return choice }
        let bridge = setting(.bridge) { text throws(ValueFault) in
            NetworkChoice.network(.bridge(try Self.interface(text, "bridge", range: nil)))
        }
        if let choice, let bridge, choice.value != bridge.value {
            conflict(
                .bridge, "BRIDGE: NET0\(place(choice.origin)) says something else",
                hint: "BRIDGE=NAME is short for NET0=bridge:NAME. Remove one of the two lines.")
        }
        if let found = choice ?? bridge { return found }
        // Where the line is there but wrong, there is nothing to go on with.
        guard !mentions(.net, at: 0), !mentions(.bridge), let standard = InterfaceName("br0") else { return nil }
        return Setting(.network(.bridge(standard)), .standard(key: KeyName(.net, 0)))
    }

    private mutating func decodeMAC(_ index: Int) -> Setting<MACAddress>? {
        let mac = setting(.netMAC, at: index, Self.mac)
        guard index == 0 else { return mac }
        let short = setting(.mac, Self.mac)
        if short != nil, let line = assignment(.netMAC, at: 0)?.line {
            conflict(
                .mac, "MAC: NET0_MAC is set on line \(line)",
                hint: "MAC is short for NET0_MAC. Remove one of the two lines.")
        }
        return mac ?? short
    }

    /// A NIC that is not there has no settings, and one without a tap none of a tap's.
    private mutating func refuseWithout(_ choice: Setting<NetworkChoice>, _ index: Int) {
        let keys: [(ParamsKey, Int?)] =
            switch choice.value {
            case .network(.bridge): []
            case .network(.user): [(.netTap, index), (.netMTU, index)]
            case .none: [(.netTap, index), (.netMTU, index), (.netMAC, index)] + (index == 0 ? [(.mac, nil)] : [])
            }
        let reason = choice.value == .none ? "is none" : "is a user network, which has neither tap nor MTU"
        for (key, keyIndex) in keys {
            let name = KeyName(key, keyIndex)
            conflict(
                key, at: keyIndex, "\(name): NET\(index)\(place(choice.origin)) \(reason)",
                hint: "Remove the line, or connect the NIC to a bridge.")
        }
    }

    /// Two stations with one MAC break both; one tap serves one NIC.
    private mutating func refuseSharedNames(_ nics: [VMParams.NIC]) {
        for (position, nic) in nics.enumerated() {
            let earlier = nics[..<position]
            if let mac = nic.mac, let other = earlier.first(where: { $0.mac?.value == mac.value })?.mac {
                conflict(
                    .netMAC, at: nic.index, "NET\(nic.index)_MAC: \(mac.value) is already used\(place(other.origin))",
                    hint: "Give each NIC an address of its own, or none: it is then derived.")
            }
            if let tap = nic.tap, let other = earlier.first(where: { $0.tap?.value == tap.value })?.tap {
                conflict(
                    .netTap, at: nic.index, "NET\(nic.index)_TAP: \(tap.value) is already used\(place(other.origin))",
                    hint: "Give each tap a name of its own, or none: it is then the first free tapN.")
            }
        }
    }
}

/// Parsers of the values of the network's keys.
extension ParamsDecoder {
    static func network(_ text: String) throws(ValueFault) -> NetworkChoice {
        let hint = "Write bridge:NAME, user or none."
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch (parts[0], parts.count) {
        case ("user", 1): return .network(.user)
        case ("none", 1): return .none
        case ("user", _), ("none", _):
            throw ValueFault(
                "'\(parts[0])' takes nothing after it", hint: hint, range: parts[0].utf8.count..<text.utf8.count)
        case ("bridge", 2):
            return .network(.bridge(try interface(String(parts[1]), "bridge", range: 7..<text.utf8.count)))
        case ("bridge", _): throw ValueFault("which bridge?", hint: "Write bridge:NAME, such as bridge:br0.")
        default:
            let isBridge = parts.count == 1 && (text.hasPrefix("br") || text.hasPrefix("virbr"))
            throw ValueFault(
                "\(Printable.quoted(text)) is no kind of network",
                hint: isBridge && InterfaceName(text) != nil ? "Did you mean bridge:\(text)?" : hint)
        }
    }

    static let interfaceRule = "An interface's name is 1 to 15 ASCII characters without '/', ':', '%' and blanks."

    static func interface(_ text: String, _ what: String, range: Range<Int>?) throws(ValueFault) -> InterfaceName {
        if let name = InterfaceName(text) { return name }
        if text.isEmpty { throw ValueFault("which \(what)?", hint: "Write \(what):NAME, such as bridge:br0.") }
        throw ValueFault(
            "\(Printable.quoted(text)) can't be a \(what)'s name", hint: interfaceRule, range: range)
    }

    private static func tap(_ text: String) throws(ValueFault) -> InterfaceName {
        try interface(text, "tap", range: nil)
    }

    private static func mac(_ text: String) throws(ValueFault) -> MACAddress {
        guard let mac = MACAddress(text) else {
            throw ValueFault(
                "\(Printable.quoted(text)) is no MAC address",
                hint: "Write six pairs of hex digits, such as 52:54:00:12:34:56; without the line it is derived.")
        }
        guard !mac.isMulticast else {
            throw ValueFault(
                "\(mac) is a group address, which no NIC can have", hint: "The first pair has to be even, such as 52.",
                range: 0..<2)
        }
        guard !mac.isZero else {
            throw ValueFault("no NIC can have the address zero", hint: "Write one such as 52:54:00:12:34:56.")
        }
        return mac
    }
}
