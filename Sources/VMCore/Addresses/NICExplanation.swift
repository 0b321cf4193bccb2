import BridgeNet

extension NICTrace {
    /// What was last seen of a guest that has shown no usable address: the cause, as far as it can be told from
    /// outside.
    ///
    /// - Parameters:
    ///   - received: How many packets it has sent since the VM started; nil if that is not known.
    ///   - network: Its network, as in vm.params.
    ///   - linkLocal: The link-local addresses found.
    package func explanation(received: UInt64?, network: String, linkLocal: [IPAddress]) -> String {
        if let taken {
            let rival = rivals[taken].map { ", at \($0)" } ?? ""
            return "the guest was given \(taken), which somebody else has already\(rival)"
        }
        if let words = mismatch(on: network) ?? dhcp.explanation(network: network) { return words }
        if let address = linkLocal.first {
            let missing = address.isIPv4 ? "no DHCP server answered it" : "no router or DHCP server gave it another"
            return "only the link-local address \(address): \(missing)"
        }
        if heard > 0 { return "the guest sends ARP or IPv6 packets, but not from an address of its own yet" }
        guard let received else { return "nothing heard from the guest" }
        return received == 0
            ? "no packet from the guest since it started: does it have the NIC's driver, and is the interface up?"
            : "the guest has sent \(received) packets since it started, but none now that shows an address"
    }
}

extension NICTrace {
    /// The cause that `explanation` puts into words, where code depends on it.
    package func silence(received: UInt64?) -> AddressReport.NIC.Silence? {
        if taken != nil { return .addressTaken }
        if mismatch(on: "") != nil { return .wrongVLAN }
        return switch dhcp.last?.kind {
        case .discover, .request, .inform: .noDHCP
        case .offer, .decline, .refusal, .release, .acknowledgement: nil
        case nil: heard == 0 && received == 0 ? .noPackets : nil
        }
    }
}

extension NICTrace {
    /// That the guest asks by DHCP in another VLAN than the one where it could be answered; nil if nothing tells that.
    private func mismatch(on network: String) -> String? {
        guard let kind = dhcp.last?.kind, [.discover, .request, .inform].contains(kind) else { return nil }
        switch (dhcp.vlan, dhcp.strayAnswer) {
        case (let vlan, .tagged(let other)?):
            return "it asks by DHCP \(Self.words(for: vlan)), and is answered in VLAN \(other), which it does not get"
        case (let vlan?, .untagged?):
            return "it asks by DHCP in VLAN \(vlan), and is answered without a VLAN's tag, which it does not get"
        case (let vlan?, nil):
            return "its DHCP questions are tagged as VLAN \(vlan), and nothing answers in that VLAN of \(network)"
        case (nil, .untagged?): return nil
        case (nil, nil):
            return othersVLAN.map {
                "it asks by DHCP without a VLAN's tag and gets no answer, and all that others send on \(network) is tagged, as VLAN \($0)"
            }
        }
    }

    private static func words(for vlan: UInt16?) -> String { vlan.map { "in VLAN \($0)" } ?? "without a VLAN's tag" }
}

extension NICTrace {
    /// That somebody else uses an address of the guest's too; nil if nobody does.
    package func rival(of addresses: [IPAddress]) -> String? {
        addresses.lazy.compactMap { address in
            rivals[address].map { "\($0) on its network has its address \(address) too" }
        }.first
    }

    /// The address that the guest was given and can't have.
    private var taken: IPAddress? { declined ?? rivals.keys.first }
}

extension DHCPTrace {
    /// Where the exchange got stuck; nil if there was none, or it succeeded.
    fileprivate func explanation(network: String) -> String? {
        guard let last else { return nil }
        let times = unanswered == 1 ? "once" : "\(unanswered) times"
        let server = last.server.map { "the DHCP server \($0)" } ?? "a DHCP server"
        let address = last.address.map(\.description) ?? "an address"
        return switch last.kind {
        case .discover: "DHCP DISCOVER sent \(times), no answer: is there a DHCP server on \(network)?"
        case .request, .inform: "DHCP REQUEST sent \(times), no answer: has the DHCP server on \(network) gone?"
        case .offer: "\(server) offers \(address), but the guest does not accept it"
        case .refusal: "\(server) refused the address that the guest asked for"
        case .decline: "the guest declined \(address): somebody else has it already"
        case .release: "the guest has released its address"
        case .acknowledgement: nil
        }
    }
}
