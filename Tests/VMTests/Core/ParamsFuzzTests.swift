import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife

/// Any bytes are an error or a value: never a crash, never more than linear work. The generator is seeded, so that a
/// failure can be reproduced.
@Suite struct ParamsFuzzTests {
    static let sample = Array(
        """
        # A VM with a bit of everything.
        export NAME='web server'
        UUID=c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10
        MEMORY=1.5G # plenty
        BOOT="net,disk"
        KERNEL=/boot/vmlinuz\t# comment
        APPEND='console=ttyS0 root=/dev/vda'\\''x'"y\\$z"
        DISK0=vdisk0
        DISK0_SIZE=8GiB
        DISK0_BPS=100M
        NET0=bridge:br0
        NET1=user
        NET0_MAC=52:54:00:00:00:01
        NET0_VLAN=10,20-30
        NET0_RATE=2.5Gbit
        NET0_QUEUES=4
        NET0_FILTER=mac,ip=192.0.2.7,2001:db8::7
        FORWARD0=tcp:127.0.0.1:2222:22
        VNCBIND=::ffff:10.0.0.1
        VNCDISP=7
        DISK1=/ü/日本
        RUNAS=kvm:kvm

        """.utf8)

    /// Parses, and checks what has to hold for every result.
    private func check(_ bytes: [UInt8]) {
        let parsed = VMParams.parse(bytes, file: "/vms/1/vm.params")
        #expect((parsed.params == nil) == (parsed.error != nil))
        #expect(parsed.diagnostics.count <= FaultLog.limit)
        let report = parsed.shown
        #expect(report.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == UInt8(ascii: "\n") })
        #expect(report.utf8.count <= 3_000 * (parsed.diagnostics.count + 1))
    }

    @Test func survivesRandomBytes() {
        var generator = SeededGenerator(state: 1)
        for _ in 0..<1_000 {
            let count = Int.random(in: 0...200, using: &generator)
            check((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
    }

    @Test func survivesWhatLooksLikeParams() {
        var generator = SeededGenerator(state: 2)
        let pieces =
            ParamsSchema.entries.map(\.key.pattern)
            + [
                "0", "1", "99999999999999999999", "=", "=", "=", "\n", "\n", "'", "\"", "\\", " ", "\t", "#", "$", "`",
                "~",
            ]
            + [
                ":", ",", ".", "-", "G", "M", "bridge:", "macvtap:", "isolated:", "nat", "user", "none", "mac,ip=",
                "bit", "tcp:", "\r\n", "\u{0}", "\u{202e}", "export ",
            ]
        for _ in 0..<1_000 {
            let count = Int.random(in: 1...40, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            check(Array(text.utf8))
        }
    }

    @Test func survivesMutations() {
        var generator = SeededGenerator(state: 3)
        for _ in 0..<1_000 {
            var bytes = Self.sample
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch UInt8.random(in: 0...2, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 5))
                }
            }
            check(bytes)
        }
    }

    @Test func survivesEveryTruncation() {
        for length in 0...Self.sample.count { check(Array(Self.sample[..<length])) }
    }

    @Test func survivesEverySingleByteValue() {
        for byte in UInt8.min...UInt8.max {
            check([byte])
            check(Array("NAME=".utf8) + [byte])
            check(Array("NAME='".utf8) + [byte, UInt8(ascii: "'")])
        }
    }

    /// A lot of whatever is worst; quadratic work would take many minutes, so a generous deadline shows it.
    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            "A=", "A=\n", "A= ", "=", "\n", "A", "'", "\"", "MEMORY=1\n", "DISK0=x\n", "#", "\\", "\t", "MEMROY=1\n",
            "\u{301}", "$", "A='\\'' ", "NET0=1:", "KERNEL=\"\"\n", "1.", ":", "::", "日", "A=''", "export ",
        ])
    func staysLinear(_ piece: String) {
        let bytes = Array(String(repeating: piece, count: (64 << 10) / piece.utf8.count).utf8)
        check(bytes)
        for key in ["MEMORY=", "DISK0=", "FORWARD0=", "VNCBIND=", "BOOT="] { check(Array(key.utf8) + bytes) }
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["A=", "A", "'"]) func takesTheLargestFile(_ piece: String) {
        check(Array(String(repeating: piece, count: VMParams.maximumFileSize / piece.utf8.count).utf8))
    }
}
