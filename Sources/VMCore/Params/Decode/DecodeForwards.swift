import BridgeNet

extension ParamsDecoder {
    mutating func decodeForwards(nics: [VMParams.NIC]) -> [Setting<PortForward>] {
        let indices = indices(of: .forward)
        guard !indices.isEmpty else { return [] }
        let isServed = nics.contains(where: \.network.value.takesForwards) || hasFaultyNIC(besides: nics)
        if !isServed {
            for index in indices {
                conflict(
                    .forward, at: index, "FORWARD\(index): there is no NIC on nat or user to forward to",
                    hint: """
                        Set NET0=nat or NET0=user, or \(removal: "remove the line"): on other networks the guest is reached \
                        directly.
                        """
                )
            }
        }
        var forwards: [Setting<PortForward>] = []
        for index in indices {
            guard let forward = setting(.forward, at: index, Self.forward) else { continue }
            if let other = forwards.first(where: { $0.value.hostEnd.overlaps(forward.value.hostEnd) }) {
                conflict(
                    .forward, at: index,
                    "FORWARD\(index): host port \(forward.value.hostPort) is already taken\(place(other.origin))",
                    hint: "Use another host port.")
            }
            forwards.append(forward)
        }
        return forwards
    }

    private static let forwardForm: Hint =
        "Write \(example: "tcp:127.0.0.1:2222:22"), that is PROTOCOL:ADDRESS:HOSTPORT:GUESTPORT."

    /// Only one of the two could listen.
    mutating func refuseForwards(_ forwards: [Setting<PortForward>], onPortOf vnc: VMParams.VNC) {
        guard let port = vnc.port else { return }
        for name in forwards.filter({ $0.value.hostEnd.overlaps(port) }).compactMap(\.origin.writtenKey) {
            conflict(
                .forward, at: name.index, "\(name): host port \(port.number) is used by the VM's own VNC",
                hint: """
                    VNCDISP=\(vnc.display.value.description)\(place(vnc.display.origin)) is TCP port \(port.number.description). \
                    Use another host port.
                    """
            )
        }
    }

    /// `tcp:127.0.0.1:2222:22`; the address may be empty, or an IPv6 literal in brackets.
    package static func forward(_ text: String) throws(ValueFault) -> PortForward {
        let form = forwardForm
        var shape: ValueFault { ValueFault("\(Printable.quoted(text)) is not a port forward", hint: form) }
        guard let first = text.firstIndex(of: ":") else { throw shape }
        guard let transport = PortForward.Transport(rawValue: String(text[..<first])) else {
            throw ValueFault(
                "\(Printable.quoted(text[..<first])) is neither tcp nor udp", hint: form,
                range: 0..<text[..<first].utf8.count)
        }
        // Split from the right, so that an IPv6 address keeps its colons.
        let parts = text[text.index(after: first)...].split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 3 else { throw shape }
        let address = parts.dropLast(2).joined(separator: ":")
        let guestStart = text.utf8.count - parts[parts.count - 1].utf8.count
        let hostStart = guestStart - 1 - parts[parts.count - 2].utf8.count
        let addressStart = transport.rawValue.utf8.count + 1
        try checkForwardAddress(address, range: addressStart..<max(addressStart, hostStart - 1), hint: form)
        return PortForward(
            transport: transport, address: address,
            hostPort: try port(parts[parts.count - 2], "host", range: hostStart..<guestStart - 1),
            guestPort: try port(parts[parts.count - 1], "guest", range: guestStart..<text.utf8.count))
    }

    private static func checkForwardAddress(_ address: String, range: Range<Int>, hint: Hint) throws(ValueFault) {
        guard !address.isEmpty else { return }
        let bare = address.hasPrefix("[") && address.hasSuffix("]") ? address.dropFirst().dropLast() : address[...]
        guard let literal = IPAddress(bare) else {
            throw ValueFault(
                "\(Printable.quoted(address)) is not an IP address",
                hint: hint.followed(by: " An empty ADDRESS means every address."),
                range: range)
        }
        // slirp_hostfwd of QEMU's net/slirp.c reads the address with inet_aton(3).
        guard literal.isIPv4 else {
            throw ValueFault(
                "QEMU forwards from IPv4 addresses only, not from \(Printable.quoted(address))", hint: hint,
                range: range,
                kind: .unavailable)
        }
    }

    private static func port(_ text: Substring, _ side: String, range: Range<Int>) throws(ValueFault) -> UInt16 {
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text), port > 0 { return port }
        throw ValueFault(
            "\(Printable.quoted(text)) is not a \(side) port", hint: "A port is a number from 1 to 65535.",
            range: range)
    }
}
