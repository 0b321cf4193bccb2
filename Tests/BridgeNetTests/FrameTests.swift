import Testing

@testable import BridgeNet

/// Frames from guests: the expected ones byte for byte, and robustness against all others.
@Suite struct FrameTests {
    private let guest = "52 54 00 00 00 01"

    /// A DHCP message from the guest's server at 10.7.0.1, or from the guest.
    private func dhcp(kind: String, given: String = "00 00 00 00", own: String = "00 00 00 00") -> [UInt8] {
        hex(
            """
            ff ff ff ff ff ff  52 54 00 00 00 01  08 00          // broadcast, IPv4
            46 00 01 2c  00 00 00 00  40 11 00 00                // header of 24 bytes, UDP
            00 00 00 00  ff ff ff ff  01 01 01 00                // 0.0.0.0 to broadcast; options
            00 44 00 43  01 10 00 00                             // from port 68 to 67
            01 01 06 00  01 02 03 04  00 00 00 00                // BOOTREQUEST, Ethernet
            \(own)  \(given)  00 00 00 00  00 00 00 00
            52 54 00 00 00 01                                    // chaddr
            """) + [UInt8](repeating: 0, count: 10 + 64 + 128)
            + hex(
                """
                63 82 53 63  00                                  // the cookie, a pad
                35 01 \(kind)  36 04 0a 07 00 01  ff             // message type; server 10.7.0.1; end
                """)
    }

    private var solicitation: [UInt8] {
        hex(
            """
            33 33 ff 00 00 01  \(guest)  86 dd                   // to the solicited node, IPv6
            60 00 00 00  00 18  3a ff                            // 24 bytes of ICMPv6, 255 hops
            00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00      // from ::
            ff 02 00 00 00 00 00 00 00 00 00 01 ff 00 00 01
            87 00 00 00  00 00 00 00                             // neighbour solicitation
            fe 80 00 00 00 00 00 00 50 54 00 ff fe 00 00 01
            """)
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
    private func mac() throws -> MACAddress { try #require(MACAddress("52:54:00:00:00:01")) }

    @Test func readsARP() throws {
        let frame = hex(
            """
            ff ff ff ff ff ff  52 54 00 00 00 01  08 06
            00 01 08 00 06 04 00 02                              // a reply
            52 54 00 00 00 01  0a 09 00 07
            02 00 00 00 00 01  0a 09 00 01  00 00                // and padding
            """)
        let packet = ARPPacket(senderMAC: try mac(), sender: try address("10.9.0.7"), target: try address("10.9.0.1"))
        #expect(EthernetFrame(decoding: frame)?.content == .arp(packet))
        #expect(EthernetFrame(decoding: frame)?.source == (try mac()))
    }

    @Test func readsDHCP() throws {
        let acknowledged = try #require(EthernetFrame(decoding: dhcp(kind: "05", given: "0a 07 00 09")))
        let wanted = DHCPMessage(
            kind: .acknowledgement, transaction: 0x0102_0304, client: try mac(), address: try address("10.7.0.9"),
            server: try address("10.7.0.1"))
        #expect(acknowledged.content == .dhcp(wanted))
        guard case .dhcp(let asked) = EthernetFrame(decoding: dhcp(kind: "01"))?.content else {
            Issue.record("a DISCOVER is not decoded as DHCP")
            return
        }
        #expect(asked.kind == .discover && asked.address == nil)
        #expect(EthernetFrame(decoding: dhcp(kind: "63")) == nil)
    }

    @Test func readsNeighbourDiscovery() throws {
        let target = try address("fe80::5054:ff:fe00:1")
        let message = NeighbourDiscovery(source: try address("::"), kind: .solicitation(target: target))
        #expect(EthernetFrame(decoding: solicitation)?.content == .neighbourDiscovery(message))
        var routed = solicitation
        routed[21] = 64
        #expect(EthernetFrame(decoding: routed) == nil)
    }

    @Test func asksByARP() throws {
        let bridge = try #require(MACAddress("02:00:00:00:00:01"))
        let wanted = hex(
            """
            52 54 00 00 00 01  02 00 00 00 00 01  08 06          // to the guest only
            00 01 08 00 06 04 00 01                              // a request
            02 00 00 00 00 01  0a 09 00 01
            00 00 00 00 00 00  0a 09 00 07
            """)
        let frame = ARPPacket.question(
            from: bridge, try address("10.9.0.1"), to: try mac(), whether: try address("10.9.0.7"))
        #expect(frame == wanted)
    }

    @Test func asksByICMPv6() throws {
        let bridge = try #require(MACAddress("02:00:00:00:00:01"))
        let own = try address("fe80::ff:fe00:1")
        let echo = hex(
            """
            52 54 00 00 00 01  02 00 00 00 00 01  86 dd
            60 00 00 00  00 08  3a 01                            // 8 bytes of ICMPv6, 1 hop
            fe 80 00 00 00 00 00 00 00 00 00 ff fe 00 00 01
            ff 02 00 00 00 00 00 00 00 00 00 00 00 00 00 01
            80 00 83 36  00 00 00 01                             // echo request, checksum, number 1
            """)
        #expect(ICMPv6Question.echo(from: bridge, own, to: try mac()) == echo)
        let target = try address("fe80::5054:ff:fe00:1")
        let question = ICMPv6Question.whether(target, from: bridge, own, to: try mac())
        let asked = NeighbourDiscovery(source: own, kind: .solicitation(target: target))
        #expect(EthernetFrame(decoding: question)?.content == .neighbourDiscovery(asked))
    }

    /// Whatever a guest sends, decoding ends, and a truncated frame is never decoded.
    @Test func everyTruncationIsNothing() {
        for frame in [dhcp(kind: "05", given: "0a 07 00 09").dropLast(), solicitation[...]] {
            #expect(EthernetFrame(decoding: Array(frame)) != nil)
            for length in 0..<frame.count - 11 { #expect(EthernetFrame(decoding: Array(frame.prefix(length))) == nil) }
        }
    }

    @Test func mutationsNeverTrap() {
        var random = SystemRandomNumberGenerator()
        for frame in [dhcp(kind: "05"), solicitation, hex("ff ff ff ff ff ff \(guest) 08 06 00 01 08 00 06 04 00 02")] {
            for _ in 0..<4000 {
                var mutant = frame
                for _ in 0..<4 { mutant[Int.random(in: 12..<mutant.count, using: &random)] = .random(in: 0...255) }
                _ = EthernetFrame(decoding: Array(mutant.prefix(Int.random(in: 0...mutant.count))))
            }
        }
    }
}
