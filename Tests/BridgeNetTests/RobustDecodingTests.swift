import Testing

@testable import BridgeNet

/// Whatever bytes arrive, decoding ends, with a value or a `WireError`.
@Suite struct RobustDecodingTests {
    /// Decodes as deeply as the code ever does; true if all of it is well-formed.
    private func decodeAll(_ bytes: [UInt8]) -> Bool {
        do {
            for message in try NetlinkMessage.decode(bytes) {
                switch message.type {
                case LinkWire.newLink: _ = try Link(decoding: message.payload)
                case AddressWire.new: _ = try InterfaceAddress(decoding: message.payload)
                case RouteWire.new: _ = try Route(decoding: message.payload).map { "\($0.moved(from: 7, to: 8))" }
                case RuleWire.new: _ = try Rule(decoding: message.payload).map { "\($0)" }
                case NeighbourWire.newNeighbour:
                    _ = try NeighbourEntry.decode(message.payload)
                    _ = try FixedNeighbour.decode(message.payload).map { "\($0)" }
                    _ = try AddressHolder.decode(message.payload)
                default: _ = try Acknowledgement(decoding: message)
                }
            }
            return true
        } catch { return false }
    }

    @Test(arguments: KernelReplies.all)
    func everyTruncationIsAnError(_ reply: [UInt8]) {
        #expect(decodeAll(reply))
        for length in 1..<reply.count { #expect(!decodeAll(Array(reply.prefix(length))), "\(length) bytes") }
    }

    /// Truncations with a matching message length, so that attributes are cut.
    @Test(arguments: KernelReplies.all)
    func everyShorterMessageIsDecodedOrRefused(_ reply: [UInt8]) {
        for length in NetlinkMessage.headerLength..<reply.count {
            var short = Array(reply.prefix(length))
            short.replaceSubrange(0..<4, with: [UInt8](number: UInt32(length)))
            _ = decodeAll(short)
        }
    }

    @Test(arguments: KernelReplies.all)
    func mutationsNeverTrap(_ reply: [UInt8]) {
        var random = Xorshift(state: 0x9e37_79b9_7f4a_7c15)
        for _ in 0..<4000 {
            var mutant = reply
            for _ in 0...Int(random.next() % 4) {
                let position = Int(random.next() % UInt64(mutant.count))
                // Half of them are extremes, to find off-by-one errors.
                let extremes: [UInt8] = [0, 1, 3, 4, 5, 15, 16, 0x7f, 0x80, 0xff]
                let byte = UInt8(truncatingIfNeeded: random.next())
                mutant[position] = random.next() % 2 == 0 ? extremes[Int(byte) % extremes.count] : byte
            }
            _ = decodeAll(mutant)
        }
    }

    @Test func noiseNeverTraps() {
        var random = Xorshift(state: 42)
        for length in 0..<2000 {
            _ = decodeAll((0..<(length % 200)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        }
    }

    @Test(arguments: [
        ("03 00 01 00", WireError(what: "attribute", problem: .lengthTooSmall(3))),
        ("00 00 00 00", WireError(what: "attribute", problem: .lengthTooSmall(0))),
        ("09 00 01 00 01 02 03 04", WireError(what: "attribute", problem: .truncated(needed: 5, available: 4))),
        ("08 00 01", WireError(what: "attribute header", problem: .truncated(needed: 2, available: 1))),
    ])
    func saysWhatIsWrongWithAnAttribute(_ bytes: String, _ error: WireError) {
        #expect(throws: error) { try Attributes(decoding: hex(bytes)[...]) }
    }

    @Test func theLastPaddingMayBeMissing() throws {
        let attributes = try Attributes(decoding: hex("05 00 10 00 06")[...])
        #expect(try attributes.number(16, as: UInt8.self, "state") == 6)
    }
}

/// Marsaglia's xorshift generator: the same mutations in every run.
private struct Xorshift: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
