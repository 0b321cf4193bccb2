import BridgeNet
import Testing

@testable import VMCore

/// What a guest's frames show.
@Suite struct NICTraceTests {
    private let mac: MACAddress
    private let stranger: MACAddress
    private let address: IPAddress
    private let server: IPAddress

    init() throws {
        mac = try #require(MACAddress("52:54:00:00:00:01"))
        stranger = try #require(MACAddress("52:54:00:00:00:02"))
        address = try #require(IPAddress("10.7.0.9"))
        server = try #require(IPAddress("10.7.0.1"))
    }

    private func trace(
        _ frames: [(isFromGuest: Bool, MACAddress, EthernetFrame.Content)], at time: Duration = .zero
    ) -> NICTrace {
        var trace = NICTrace(mac: mac)
        for (isFromGuest, source, content) in frames {
            trace.hear(EthernetFrame(source: source, content: content), isFromGuest: isFromGuest, at: time)
        }
        return trace
    }

    private func dhcp(
        _ kind: DHCPMessage.Kind, _ address: IPAddress? = nil, client: MACAddress? = nil, transaction: UInt32 = 7
    ) -> EthernetFrame.Content {
        .dhcp(
            DHCPMessage(
                kind: kind, transaction: transaction, client: client ?? mac, address: address, server: server))
    }

    private func arp(_ sender: IPAddress, of mac: MACAddress) -> EthernetFrame.Content {
        .arp(ARPPacket(senderMAC: mac, sender: sender, target: server))
    }

    private func explanation(_ trace: NICTrace, received: UInt64? = 1, linkLocal: [IPAddress] = []) -> String {
        trace.explanation(received: received, network: "bridge:br0", linkLocal: linkLocal)
    }

    private typealias TaggedFrame = (isFromGuest: Bool, vlan: UInt16?, EthernetFrame.Content)

    private func tagged(_ frames: [TaggedFrame]) -> (AddressReport.NIC.Silence?, String) {
        var trace = NICTrace(mac: mac)
        for (isFromGuest, vlan, content) in frames {
            let frame = EthernetFrame(source: isFromGuest ? mac : stranger, vlan: vlan, content: content)
            trace.hear(frame, isFromGuest: isFromGuest, at: .zero)
        }
        return (trace.silence(received: 1), explanation(trace))
    }

    @Test func aGuestInAnotherVLANGetsNoAnswer() {
        let question = dhcp(.discover)
        let answer = dhcp(.offer, address)
        let (own, ownWords) = tagged([(true, 20, question), (true, 20, question)])
        #expect(own == .wrongVLAN && ownWords.contains("tagged as VLAN 20") && ownWords.contains("bridge:br0"))
        let (stray, strayWords) = tagged([(true, nil, question), (false, 20, answer), (true, nil, question)])
        #expect(stray == .wrongVLAN && strayWords.contains("is answered in VLAN 20"))
        let (other, otherWords) = tagged([(true, 30, question), (false, 20, answer)])
        #expect(other == .wrongVLAN && otherWords.contains("in VLAN 30, and is answered in VLAN 20"))
        let (bare, bareWords) = tagged([(true, 30, question), (false, nil, answer)])
        #expect(bare == .wrongVLAN && bareWords.contains("without a VLAN's tag"))
        let (trunk, trunkWords) = tagged([(false, 20, arp(server, of: stranger)), (true, nil, question)])
        #expect(trunk == .wrongVLAN && trunkWords.contains("all that others send on bridge:br0 is tagged, as VLAN 20"))
    }

    @Test func aGuestInItsVLANIsNoneOfThose() {
        let question = dhcp(.discover)
        #expect(tagged([(true, nil, question)]).0 == .noDHCP)
        #expect(tagged([(true, 20, question), (false, 20, dhcp(.offer, address))]).0 == nil)
        // On a trunk others may be tagged.
        let trunk: [TaggedFrame] = [(false, 20, arp(server, of: stranger)), (false, nil, arp(server, of: stranger))]
        #expect(tagged(trunk + [(true, nil, question)]).0 == .noDHCP)
        // It asks in both, and is answered where it asked.
        let both: [TaggedFrame] = [
            (true, nil, question), (true, 20, dhcp(.discover, transaction: 8)), (false, nil, dhcp(.offer, address)),
        ]
        #expect(tagged(both).0 == nil)
        // A stray answer before the right one.
        let answer = dhcp(.offer, address)
        #expect(tagged([(true, nil, question), (false, 20, answer), (false, nil, answer)]).0 == nil)
    }

    @Test func aLeaseIsHeard() throws {
        let heard = trace([
            (true, mac, dhcp(.discover)), (false, stranger, dhcp(.offer, address)), (true, mac, dhcp(.request)),
            (false, stranger, dhcp(.acknowledgement, address)),
        ])
        #expect(heard.addresses(at: .milliseconds(999)).isEmpty)
        #expect(heard.addresses(at: .seconds(1)) == [address: [.dhcp]])
        let other = try #require(IPAddress("10.7.0.10"))
        let moved = trace([
            (true, mac, dhcp(.request)), (false, stranger, dhcp(.acknowledgement, address)),
            (true, mac, dhcp(.request, transaction: 8)),
            (false, stranger, dhcp(.acknowledgement, other, transaction: 8)),
        ])
        #expect(moved.addresses(at: .seconds(1)) == [other: [.dhcp]])
        let released = trace([
            (true, mac, dhcp(.request)), (false, stranger, dhcp(.acknowledgement, address)),
            (true, mac, dhcp(.release, address, transaction: 9)),
        ])
        #expect(released.addresses(at: .zero).isEmpty)
    }

    /// Anybody on the network can send the guest frames.
    @Test func onlyAnAnswerToTheGuestsOwnQuestionCounts() throws {
        let forged = try #require(IPAddress("10.7.0.66"))
        let answer = (false, stranger, dhcp(.acknowledgement, forged))
        #expect(trace([answer]).addresses(at: .zero).isEmpty)
        #expect(trace([(true, mac, dhcp(.request, transaction: 8)), answer]).addresses(at: .zero).isEmpty)
        // Another station behind the same NIC asked; or the guest itself sends what only a server sends.
        #expect(trace([(true, mac, dhcp(.request, client: stranger)), answer]).addresses(at: .zero).isEmpty)
        #expect(trace([(true, mac, dhcp(.acknowledgement, forged))]).addresses(at: .zero).isEmpty)
        // A question is settled only once.
        let settled = trace([
            (true, mac, dhcp(.discover)), (true, mac, dhcp(.request)),
            (false, stranger, dhcp(.acknowledgement, address)), answer,
        ])
        #expect(settled.addresses(at: .seconds(1)) == [address: [.dhcp]])
    }

    @Test func onlyTheGuestSpeaksForItself() throws {
        let heard = trace([
            // Its MAC in a frame from the network, another station behind its NIC, an ARP probe, another station's
            // lease.
            (false, mac, arp(address, of: mac)), (true, stranger, arp(address, of: stranger)),
            (true, mac, arp(address, of: stranger)), (true, mac, arp(try #require(IPAddress("0.0.0.0")), of: mac)),
            (false, stranger, dhcp(.acknowledgement, address, client: stranger)),
        ])
        #expect(heard.addresses(at: .zero).isEmpty)
        #expect(trace([(true, mac, arp(address, of: mac))]).addresses(at: .zero) == [address: [.arp]])
    }

    private func probe(_ target: IPAddress) throws -> EthernetFrame.Content {
        .arp(ARPPacket(senderMAC: mac, sender: try #require(IPAddress("0.0.0.0")), target: target))
    }

    /// The frames of a lease, and what follows them.
    private func leased(
        _ more: [(isFromGuest: Bool, MACAddress, EthernetFrame.Content)]
    ) -> NICTrace {
        trace([(true, mac, dhcp(.request)), (false, stranger, dhcp(.acknowledgement, address))] + more)
    }

    /// RFC 5227: a host asks whether anybody has an address before it takes it.
    @Test func anAddressCountsWhenItIsUsedOrNobodyObjects() throws {
        let used = leased([(true, mac, arp(address, of: mac))])
        #expect(used.addresses(at: .zero) == [address: [.dhcp, .arp]])
        let asked = leased([(true, mac, try probe(address))])
        #expect(asked.addresses(at: .seconds(2)).isEmpty)
        #expect(asked.addresses(at: .milliseconds(2500)) == [address: [.dhcp]])
        // A lease that is renewed is not doubted anew.
        let renewed = leased([
            (true, mac, dhcp(.request, address, transaction: 8)),
            (false, stranger, dhcp(.acknowledgement, address, transaction: 8)),
        ])
        #expect(renewed.addresses(at: .zero) == [address: [.dhcp]])
    }

    @Test func oneThatSomebodyElseHasDoesNotCount() throws {
        let answer = (false, stranger, arp(address, of: stranger))
        let taken = leased([(true, mac, try probe(address)), answer])
        #expect(taken.addresses(at: .seconds(9)).isEmpty)
        #expect(taken.silence(received: 9) == .addressTaken)
        #expect(
            explanation(taken) == "the guest was given 10.7.0.9, which somebody else has already, at 52:54:00:00:00:02")
        // It asks anew after it has declined the address: that stays the cause.
        let declined = leased([(true, mac, dhcp(.decline, address)), (true, mac, dhcp(.discover, transaction: 9))])
        #expect(declined.addresses(at: .seconds(9)).isEmpty && declined.silence(received: 9) == .addressTaken)
        // A guest that uses it all the same has it, and so has the other.
        let both = leased([(true, mac, arp(address, of: mac)), answer])
        #expect(both.addresses(at: .zero) == [address: [.dhcp, .arp]])
        #expect(both.rival(of: [address]) == "52:54:00:00:00:02 on its network has its address 10.7.0.9 too")
        // What others say of other addresses, or the guest's own frames that come back, mean nothing.
        let own = leased([(true, mac, arp(address, of: mac)), (false, mac, arp(address, of: mac))])
        #expect(own.rival(of: [address]) == nil && own.silence(received: 9) == nil)
    }

    @Test func anIPv6AddressCountsWhenNobodyObjects() throws {
        let nobody = try #require(IPAddress("::"))
        let wanted = try #require(IPAddress("fd07::1"))
        let claim = EthernetFrame.Content.neighbourDiscovery(.init(source: nobody, kind: .solicitation(target: wanted)))
        let claimed = trace([(true, mac, claim)], at: .seconds(1))
        #expect(claimed.addresses(at: .seconds(2)).isEmpty)
        #expect(claimed.addresses(at: .milliseconds(2500)) == [wanted: [.nd]])
        let objection = EthernetFrame.Content.neighbourDiscovery(
            .init(source: wanted, kind: .advertisement(target: wanted)))
        let lost = trace([(true, mac, claim), (false, stranger, objection)])
        #expect(lost.addresses(at: .seconds(9)).isEmpty)
    }

    @Test func oneThatMakesAddressesUpFillsNothing() {
        let lies = (0..<1000).compactMap { number in
            IPAddress(octets: [10, 1, UInt8(number >> 8), UInt8(number & 0xff)]).map { (true, mac, arp($0, of: mac)) }
        }
        #expect(trace(lies).addresses(at: .zero).count == NICTrace.maximumAddresses)
    }

    @Test func saysHowFarTheGuestGot() throws {
        let discover = (true, mac, dhcp(.discover))
        #expect(
            explanation(trace([discover, discover, discover]))
                == "DHCP DISCOVER sent 3 times, no answer: is there a DHCP server on bridge:br0?")
        #expect(
            explanation(trace([discover, (false, stranger, dhcp(.offer, address))]))
                == "the DHCP server 10.7.0.1 offers 10.7.0.9, but the guest does not accept it")
        #expect(explanation(trace([discover, (false, stranger, dhcp(.refusal))])).contains("refused"))
        #expect(explanation(trace([]), received: 0).hasPrefix("no packet from the guest since it started"))
        #expect(explanation(trace([]), received: 7).hasPrefix("the guest has sent 7 packets since it started"))
        let local = try #require(IPAddress("fe80::1"))
        #expect(explanation(trace([]), linkLocal: [local]).hasPrefix("only the link-local address fe80::1"))
    }
}
