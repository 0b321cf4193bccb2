import Testing

@testable import BridgeNet

/// Requests for rate limits and macvtap links, byte for byte, as a little-endian kernel receives them.
@Suite struct QueueingBytesTests {
    @Test func limitsWhatLeaves() {
        let wanted = hex(
            """
            6c 00 00 00  24 00  05 06  01 00 00 00  00 00 00 00  // 108 bytes, RTM_NEWQDISC, REQUEST|ACK|EXCL|CREATE
            00 00 00 00  07 00 00 00  00 00 00 00                // any family, interface 7, no handle
            ff ff ff ff  00 00 00 00                             // TC_H_ROOT, no info
            08 00 01 00  74 62 66 00                             // TCA_KIND "tbf"
            40 00 02 80                                          // TCA_OPTIONS, nested, 64 bytes
              28 00 01 00                                        //   TCA_TBF_PARMS, 40 bytes
                00 01 00 00  00 00 00 00  20 bc be 00            //     rate: Ethernet, 12,500,000 bytes per second
                00 00 00 00  00 00 00 00  00 00 00 00            //     no peak rate
                b0 71 0b 00  00 00 00 00  00 00 00 00            //     750,000 bytes may wait; no ticks
              0c 00 04 00  20 bc be 00  00 00 00 00              //   TCA_TBF_RATE64
              08 00 06 00  48 e8 01 00                           //   TCA_TBF_BURST 125,000
            """)
        let bucket = TokenBucket(bytesPerSecond: 12_500_000, mtu: 1500)
        #expect(EntryRequest.limit(7, to: bucket).encoded(sequence: 1) == wanted)
    }

    @Test func aSlowBucketStillHoldsWholeFrames() {
        let bucket = TokenBucket(bytesPerSecond: 8000, mtu: 9000)
        #expect(bucket.burst == 2 * 9018)
        #expect(bucket.queue == 12 * 9018)
    }

    @Test func theFastestBucketFits() {
        let bucket = TokenBucket(bytesPerSecond: 12_500_000_000, mtu: 1500)
        #expect(bucket.burst == 125_000_000)
        #expect(bucket.queue == 750_000_000)
    }

    @Test func createsAMacvtap() throws {
        let name = try #require(InterfaceName("macvtap0"))
        let mac = try #require(MACAddress("02:00:00:00:00:01"))
        let wanted = hex(
            """
            68 00 00 00  10 00  05 06  01 00 00 00  00 00 00 00  // 104 bytes, RTM_NEWLINK, REQUEST|ACK|EXCL|CREATE
            00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00   // no flags: it is created down
            0d 00 03 00  6d 61 63 76 74 61 70 30 00  00 00 00    // IFLA_IFNAME "macvtap0", 3 bytes of padding
            08 00 05 00  03 00 00 00                             // IFLA_LINK 3
            0a 00 01 00  02 00 00 00 00 01  00 00                // IFLA_ADDRESS
            08 00 04 00  78 05 00 00                             // IFLA_MTU 1400
            1c 00 12 80                                          // IFLA_LINKINFO, nested, 28 bytes
              0c 00 01 00  6d 61 63 76 74 61 70 00               //   IFLA_INFO_KIND "macvtap"
              0c 00 02 80                                        //   IFLA_INFO_DATA, nested
                08 00 01 00  04 00 00 00                         //     IFLA_MACVLAN_MODE bridge
            """)
        #expect(LinkRequest.createMacvtap(name, on: 3, mac: mac, mtu: 1400).encoded(sequence: 1) == wanted)
    }
}
