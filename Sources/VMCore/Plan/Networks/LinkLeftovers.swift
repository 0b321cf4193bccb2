import BridgeNet

/// What stays on a link, or is lost with it, when another link takes over its connection, and that the user has to
/// know: kvmctl can't move it, or it belongs where it is. Pure.
package struct LinkLeftovers {
    let link: Link
    /// The link that takes over the connection.
    let heir: InterfaceName
    let found: NetworkState

    package init(link: Link, heir: InterfaceName, found: NetworkState) {
        self.link = link
        self.heir = heir
        self.found = found
    }

    /// A line each, with what to do.
    ///
    /// - Parameter groups: the multicast groups that programs have joined on the link.
    package func notices(groups: [IPAddress]) -> [String] { names + upper + token + joined(groups) }

    private var names: [String] {
        guard !link.alternativeNames.isEmpty else { return [] }
        let list = link.alternativeNames.joined(separator: ", ")
        return [
            "\(link.name) keeps its other names (\(list)): if one of them is used for the host's connection, write "
                + "\(heir) instead"
        ]
    }

    /// Links on top of this one: a VLAN's frames go to its device before a bridge sees them, and a tunnel that is bound
    /// to the link no longer finds routes there.
    private var upper: [String] {
        found.links.filter { $0.lower == link.index && $0.kind != "veth" }.map { upper in
            upper.kind == "vlan"
                ? "\(upper.name) stays on \(link.name): frames of its VLAN don't reach \(heir)"
                : "\(upper.name), of kind \(upper.kind ?? "?"), is bound to \(link.name), which no longer has routes: "
                    + "bind it to \(heir)"
        }
    }

    private var token: [String] {
        guard let token = link.addressToken else { return [] }
        let set: ShellCommand = "ip token set \(token) dev \(heir)"
        return ["\(link.name) has the IPv6 token \(token), but \(heir) does not: \(command: set)"]
    }

    private func joined(_ groups: [IPAddress]) -> [String] {
        guard !groups.isEmpty else { return [] }
        let list = groups.map(\.description).joined(separator: ", ")
        return [
            "programs have joined the multicast groups \(list) on \(link.name), where they no longer receive anything: "
                + "restart them"
        ]
    }
}

/// The multicast groups that programs have joined on a link (proc_net(5)). Pure.
package enum MulticastGroups {
    /// - Parameters:
    ///   - ipv4: What is in /proc/net/igmp: a line for each link, `2 eth0 : 2 V3`, and below it one for each of its
    ///     groups, `FB0000E0 1 …`, in the host's byte order.
    ///   - ipv6: What is in /proc/net/igmp6: `2 eth0 ff0200000000000000000000000000fb 1 …`.
    package static func joined(on link: UInt32, ipv4: String, ipv6: String) -> [IPAddress] {
        (v4(ipv4, link) + v6(ipv6, link)).filter { !isKernels($0) }
    }

    private static func v4(_ text: String, _ link: UInt32) -> [IPAddress] {
        var groups: [IPAddress] = []
        var isOfLink = false
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if line.first?.isWhitespace == false {
                isOfLink = words.first.flatMap { UInt32($0) } == link
            } else if isOfLink, let number = words.first.flatMap({ UInt32($0, radix: 16) }) {
                let octets = withUnsafeBytes(of: number) { Array($0) }
                groups += IPAddress(octets: octets).map { [$0] } ?? []
            }
        }
        return groups
    }

    private static func v6(_ text: String, _ link: UInt32) -> [IPAddress] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count > 2, UInt32(words[0]) == link, words[2].utf8.count == 32 else { return nil }
            let digits = Array(words[2].utf8)
            let octets = stride(from: 0, to: 32, by: 2).compactMap {
                UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
            }
            return IPAddress(octets: octets)
        }
    }

    /// The groups that the kernel joins by itself: all hosts, all routers, all multicast snoopers, and those of the
    /// link's own addresses.
    private static func isKernels(_ group: IPAddress) -> Bool {
        let octets = group.octets
        if group.isIPv4 { return octets.prefix(3) == [224, 0, 0] && [1, 2, 106].contains(octets[3]) }
        let isOfAll = octets[2..<15].allSatisfy { $0 == 0 } && [1, 2, 106].contains(octets[15])
        return isOfAll || octets[2..<11].allSatisfy { $0 == 0 } && octets[11] == 1 && octets[12] == 0xff
    }
}
