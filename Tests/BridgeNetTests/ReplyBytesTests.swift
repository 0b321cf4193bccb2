import Testing

@testable import BridgeNet

/// The kernel's replies, decoded from golden bytes.
@Suite struct ReplyBytesTests {
    private func only(_ datagram: [UInt8]) throws -> NetlinkMessage {
        let messages = try NetlinkMessage.decode(datagram)
        try #require(messages.count == 1)
        return messages[0]
    }

    @Test func decodesABridge() throws {
        let link = try Link(decoding: only(KernelReplies.bridge).payload)
        var wanted = Link(
            index: 5, name: "br0", kind: "bridge", mac: MACAddress("02:00:00:00:00:01"), mtu: 9000, isUp: true,
            state: .up, controller: nil, alias: "uplk")
        wanted.addressGeneration = .off
        wanted.bridge = BridgeOptions(spanningTree: true, forwardDelay: 1500, vlanFiltering: false)
        #expect(link == wanted)
    }

    @Test func decodesSeveralMessagesInOneDatagram() throws {
        let parts = KernelReplies.loopbackPart + KernelReplies.tapPart + KernelReplies.dumpEnd
        let messages = try NetlinkMessage.decode(parts)
        #expect(messages.map(\.type) == [16, 16, 3])
        var loopback = Link(index: 1, name: "lo", mtu: 65536)
        loopback.isEthernet = false
        #expect(try Link(decoding: messages[0].payload) == loopback)
        let tap = Link(index: 7, name: "tap0", mtu: 1500, isUp: true, controller: 5, alias: "web")
        #expect(try Link(decoding: messages[1].payload) == tap)
        #expect(try Acknowledgement(decoding: messages[2]) == Acknowledgement(code: 0))
    }

    @Test func messagesSurviveTheTrip() throws {
        let message = NetlinkMessage(
            type: 16, flags: [.request, .create], sequence: 0x0102_0304, port: 9, payload: [1, 2, 3])
        #expect(try NetlinkMessage.decode(message.encoded) == [message])
    }

    @Test func decodesAGoodAcknowledgement() throws {
        #expect(try Acknowledgement(decoding: only(KernelReplies.acknowledgement)) == Acknowledgement(code: 0))
    }

    @Test func decodesTheKernelsWordsAfterAQuotedRequest() throws {
        let verdict = try Acknowledgement(decoding: only(KernelReplies.refusal))
        #expect(verdict == Acknowledgement(code: 22, message: "no such MTU", offset: 32))
    }

    @Test func decodesTheKernelsWordsAfterACappedRequest() throws {
        let reply = hex(
            """
            34 00 00 00  02 00  00 03  01 00 00 00  2a 00 00 00  // 52 bytes, NLMSG_ERROR, CAPPED|ACK_TLVS
            f0 ff ff ff                                          // -16: EBUSY
            00 10 00 00  13 00  05 00  01 00 00 00  2a 00 00 00  // the header of a request of 4096 bytes
            0e 00 01 00  64 65 76 20 62 75 73 79 21 00  00 00    // NLMSGERR_ATTR_MSG "dev busy!"
            """)
        #expect(try Acknowledgement(decoding: only(reply)) == Acknowledgement(code: 16, message: "dev busy!"))
    }

    @Test func decodesADumpThatFailed() throws {
        let reply = hex(
            """
            24 00 00 00  03 00  02 02  01 00 00 00  2a 00 00 00  // 36 bytes, NLMSG_DONE, MULTI|ACK_TLVS
            ea ff ff ff                                          // -22: EINVAL
            0d 00 01 00  62 61 64 20 6d 61 73 6b 00  00 00 00    // NLMSGERR_ATTR_MSG "bad mask"
            """)
        #expect(try Acknowledgement(decoding: only(reply)) == Acknowledgement(code: 22, message: "bad mask"))
    }

    @Test func refusesAPositiveErrorNumber() throws {
        var reply = KernelReplies.noDevice
        reply.replaceSubrange(16..<20, with: [19, 0, 0, 0])
        #expect(throws: WireError(what: "acknowledged error", problem: .unexpected(19))) {
            try Acknowledgement(decoding: only(reply))
        }
    }

    @Test func saysWhatALinkLacks() throws {
        let header = [UInt8](repeating: 0, count: 4) + [5, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        #expect(throws: WireError(what: "link name", problem: .missing)) { try Link(decoding: header[...]) }
        #expect(throws: WireError(what: "MTU of br0", problem: .missing)) {
            try Link(decoding: (header + hex("08 00 03 00 62 72 30 00"))[...])
        }
    }

    @Test func anOddNameOrAddressDoesNotHideTheLink() throws {
        var reply = KernelReplies.bridge
        reply[36] = 0xff
        let start = try #require(reply.firstRange(of: [0x0a, 0, 1, 0])).lowerBound
        reply[start] = 8  // IFLA_ADDRESS of 4 bytes, as a tunnel has
        reply.removeSubrange((start + 8)..<(start + 12))
        reply[0] -= 4
        let link = try Link(decoding: only(reply).payload)
        #expect(link.name == "\u{fffd}r0")
        #expect(link.mac == nil)
        #expect(link.mtu == 9000)
    }
}
