import BridgeNet
import Foundation
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife
@testable import VMReports

/// Whatever is in the files of a run directory, or comes from QEMU, from a guest or from /proc, is read or refused, and
/// reported. A trap would end the test run.
@Suite struct HostileWordsTests {
    private static let manifest: JSON = [
        "name": "web", "uuid": "c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10", "file": "/vms/web/vm.params",
        "memoryBytes": 536_870_912, "cpus": 2, "accelerator": "tcg", "foreground": false,
        "vnc": ["address": "127.0.0.1", "port": 5907], "media": ["/vms/web/vdisk0"],
        "forwards": ["tcp:127.0.0.1:2222:22"],
        "nics": [
            [
                "index": 0, "mac": "52:54:00:00:00:01", "network": "bridge:br0", "tap": "tap0", "address": "10.213.0.5",
                "settings": ["queues": 2, "vlans": "10,20", "rate": 100_000_000, "filter": "mac"],
            ]
        ],
    ]
    private static let place = Paths(run: "/none", log: "/none", cache: "/none", roots: [])

    /// Reports a VM with this manifest in every form.
    private func report(_ manifest: Manifest, _ signature: String) throws {
        var seen = Observation(state: .running, holder: ProcessIdentity(signature))
        seen.endReason = manifest.name.description
        let entry = VMEntry(manifest, seen, in: Self.place)
        let reports: [any Report] = [VMReport(entry, age: nil, showsPlaces: true), VMListReport([entry])]
        for report in reports {
            #expect(try JSON(parsing: Array(report.rendered(as: .json).utf8)) == report.json)
            #expect(!report.rendered(as: .text).isEmpty)
        }
        #expect(Manifest(Array(manifest.text.utf8)) == manifest)
        _ = try manifest.ports(in: Self.place)
        _ = manifest.vm.nics.compactMap { SearchedNIC($0, among: []) }
    }

    @Test func manifests() throws {
        var generator = SeededGenerator(state: 1)
        let signatures = Hostile.values.map { "\($0) \($0)" } + ["1 9223372036854775807", "1 0", "2147483647 1"]
        var understood = 0
        for bytes in Hostile.variants(of: Self.manifest)
            + Hostile.mutations(of: Self.manifest, count: 1500, using: &generator)
        {
            guard let manifest = Manifest(bytes) else { continue }
            understood += 1
            try report(manifest, signatures.randomElement(using: &generator) ?? "")
        }
        // Otherwise it would have tried nothing.
        #expect(understood > 500)
    }

    @Test func whatIsOutOfRangeIsNotThere() throws {
        func with(_ key: String, _ value: JSON) throws -> Manifest? {
            guard case .object(var members) = Self.manifest else { return nil }
            members[key] = value
            return Manifest(Array(JSON.object(members).text.utf8))
        }
        #expect(try with("cpus", .integer(.max)) == nil)
        #expect(try with("memoryBytes", .integer(-1)) == nil)
        #expect(try with("file", "vm.params") == nil)
        #expect(try with("file", "/vms/\0/vm.params") == nil)
        #expect(try with("name", "../web") == nil)
        #expect(try with("vnc", ["address": "h", "port": .integer(.min)])?.vm.vnc?.port == nil)
        #expect(try with("nics", [["index": .integer(.max), "mac": "x", "network": "user"]])?.vm.nics == [])
    }

    /// The manifest of a VM that an earlier version started, which told apart from its address whether there is a VNC
    /// server, and whether it asks for a password.
    @Test func aManifestOfAnEarlierVersion() throws {
        guard case .object(var members) = Self.manifest else { return }
        members["hasVNC"] = true
        members["hasVNCPassword"] = true
        let vnc = try #require(Manifest(Array(JSON.object(members).text.utf8))?.vm.vnc)
        #expect(vnc.hasPassword && vnc.address == "127.0.0.1" && vnc.port?.number == 5907)
        // In the foreground its display was not known.
        members["vnc"] = .null
        let unknown = try #require(Manifest(Array(JSON.object(members).text.utf8))?.vm.vnc)
        #expect(unknown.hasPassword && unknown.port == nil)
        members["hasVNC"] = false
        #expect(Manifest(Array(JSON.object(members).text.utf8))?.vm.vnc == nil)
    }

    private static let events: [JSON] = [
        ["timestamp": ["seconds": 1, "microseconds": 2], "event": "RESUME"],
        [
            "timestamp": ["seconds": 1, "microseconds": 2], "event": "SHUTDOWN",
            "data": ["guest": true, "reason": "x"],
        ],
        ["return": ["service": "5901", "host": "127.0.0.1", "status": "running"], "id": 1],
        ["error": ["class": "GenericError", "desc": "no"], "id": 2],
        ["QMP": ["version": ["qemu": ["major": 7, "minor": 2, "micro": 0]], "capabilities": ["oob"]]],
    ]

    @Test func recordsAndAnswersOfQEMU() {
        var generator = SeededGenerator(state: 2)
        for document in Self.events {
            for bytes in Hostile.variants(of: document)
                + Hostile.mutations(of: document, count: 500, using: &generator)
            {
                if case .reply(_, let answer)? = QMPMessage(line: bytes) {
                    if let vnc = VNCServer(answer) { #expect(vnc.port.number >= 5900) }
                    _ = QMPRequest.status.read(answer)?.vmState
                }
                _ = FlightRecord(bytes + [UInt8(ascii: "\n")] + bytes).phase
            }
        }
    }

    @Test func answersOfTheGuestAgent() {
        var generator = SeededGenerator(state: 3)
        let answer: JSON = [
            [
                "name": "eth0", "hardware-address": "52:54:00:00:00:01",
                "ip-addresses": [["ip-address": "192.0.2.7", "ip-address-type": "ipv4", "prefix": 24]],
            ]
        ]
        let macs = MACAddress("52:54:00:00:00:01").map { [0: $0] } ?? [:]
        for bytes in Hostile.variants(of: answer) + Hostile.mutations(of: answer, count: 1000, using: &generator) {
            guard let document = try? JSON(parsing: bytes) else { continue }
            _ = QMPRequest.interfaces.read(document)?.addresses(onNICs: macs)
        }
    }

    /// What is in journals decides what root removes and rolls back.
    @Test func journals() {
        var generator = SeededGenerator(state: 4)
        let lines: [JSON] = [
            ["link": "kvmnat0", "mac": "52:54:00:00:00:01"], ["table": "t", "family": "ip", "script": "/run/x"],
            ["setting": "net/ipv4/ip_forward", "was": "0", "now": "1"], ["daemon": "/run/x.pid"],
            ["directory": "/run/x"],
            [
                "bridge": "br0", "link": 7, "macs": ["52:54:00:00:00:01"], "end": 5, "gateways": ["192.0.2.1"],
                "boot": "b",
                "namespace": 9, "undo": ["00"],
            ],
        ]
        for document in lines {
            for bytes in Hostile.variants(of: document, values: Hostile.short)
                + Hostile.mutations(of: document, count: 300, using: &generator)
            {
                guard let line = try? JSON(parsing: bytes) else { continue }
                if let leftover = Leftover(line) { #expect(Leftover(leftover.json) == leftover) }
                _ = ChangeRecord(line)?.json
            }
        }
    }

    @Test func rulesOfTheFirewall() {
        var generator = SeededGenerator(state: 5)
        let ruleset: JSON = [
            "nftables": [
                ["table": ["family": "ip", "name": "filter"]],
                [
                    "chain": [
                        "family": "ip", "table": "filter", "name": "FORWARD", "type": "filter", "hook": "forward",
                        "policy": "drop",
                    ]
                ],
                [
                    "rule": [
                        "family": "ip", "table": "filter", "chain": "FORWARD",
                        "expr": [
                            [
                                "match": [
                                    "op": "==", "left": ["payload": ["protocol": "tcp", "field": "dport"]],
                                    "right": ["set": [22, ["range": [1, 65535]]]],
                                ]
                            ], ["accept": .null],
                        ],
                    ]
                ],
            ]
        ]
        for bytes in Hostile.variants(of: ruleset) + Hostile.mutations(of: ruleset, count: 1000, using: &generator) {
            guard let document = try? JSON(parsing: bytes) else { continue }
            var firewall = Firewall(nftables: document)
            firewall.add(
                savedByIPTables:
                    "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p tcp --dport \(document.text.prefix(40)) -j X",
                family: .ip, keeper: .iptables)
        }
    }

    @Test func tablesOfMounts() {
        var generator = SeededGenerator(state: 6)
        let table = Array(
            """
            22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw
            36 27 0:41 / /vms/far\\040off rw,nosuid master:1 propagate_from:2 - nfs4 server:/vms rw,vers=4.2
            37 27 0:42 / /srv rw - fuse.sshfs me@host:/srv rw

            """.utf8)
        for _ in 0..<300 { _ = MountTable(Hostile.mutated(table, using: &generator)).remote }
        for length in 0...table.count { _ = MountTable(Array(table[..<length])).remote }
    }

    @Test func headersOfImages() {
        var generator = SeededGenerator(state: 7)
        let magics: [[UInt8]] = [[0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3], Array("KDMV".utf8), Array("conectix".utf8), []]
        for _ in 0..<3000 {
            let rest = (0..<Int.random(in: 0...120, using: &generator)).map { _ in
                [0, 1, 0xff, UInt8.random(in: 0...255, using: &generator)].randomElement(using: &generator) ?? 0
            }
            _ = ImageContent(header: (magics.randomElement(using: &generator) ?? []) + rest).name
        }
    }

    /// Kernels, discs and disks in which any number may be an extreme one, and that may end anywhere.
    @Test func imagesThatLie() throws {
        var generator = SeededGenerator(state: 11)
        let numbers: [UInt64] = [0, 1, 2, 0x20, 0x200, 0x7fff, 0xffff, 1 << 31, 1 << 32, 1 << 63, .max - 7, .max]
        let images = [
            MadeFile().with("HdrS", at: 0x202).with(0x20f, at: 0x206, bytes: 2).with(0xaa55, at: 0x1fe, bytes: 2),
            MadeFile().with([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], at: 0).with(64, at: 0x20, bytes: 8)
                .with(56, at: 0x36, bytes: 2).with(4, at: 0x38, bytes: 2).with(4, at: 64, bytes: 4),
            MadeFile().with([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1], at: 0).with(52, at: 0x1c, bytes: 4)
                .with(32, at: 0x2a, bytes: 2).with(4, at: 0x2c, bytes: 2).with(4, at: 52, bytes: 4),
            MadeFile().with("\u{1}CD001\u{1}", at: 16 * 2048).with("\0CD001\u{1}EL TORITO SPECIFICATION", at: 17 * 2048)
                .with(18, at: 17 * 2048 + 0x47, bytes: 4).with([1], at: 18 * 2048),
            MadeFile().with([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3], at: 0),
        ]
        for image in images {
            let parts = [0, 0x1f0, 16 * 2048, 17 * 2048, 18 * 2048].filter { $0 < image.bytes.count }
            for _ in 0..<4000 {
                var made = image
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    let place = (parts.randomElement(using: &generator) ?? 0) + .random(in: 0..<160, using: &generator)
                    let width = [1, 2, 4, 8].randomElement(using: &generator) ?? 1
                    made = made.with(numbers.randomElement(using: &generator) ?? 0, at: place, bytes: width)
                }
                if Bool.random(using: &generator) {
                    made.bytes.removeLast(Int.random(in: 0...made.bytes.count, using: &generator))
                }
                let header = Array(made.bytes.prefix(ImageContent.headerLength))
                _ = ImageContent(header: header).name
                _ = QCOW2Condition(header)
                _ = QCOW2Header(header)
                _ = try KernelImage(size: Int64(made.bytes.count), made.read)
                _ = try OpticalDisc(made.read)
            }
        }
    }

    /// A file system in user space can report any sizes.
    @Test func sizes() {
        let bounds: [UInt64] = [0, 1, 511, 512, 1 << 32, 1 << 62, 1 << 63, .max]
        for blocks in bounds {
            for size in bounds {
                let space = ByteCount(blocks: blocks, of: size)
                #expect(space.bytes >= 0 && (space + space).bytes >= space.bytes)
                #expect((space - space).bytes == 0 && !"\(space + space)".isEmpty)
            }
        }
        for bytes in [Int64.min, -1, 0, 1, .max] {
            for other in [Int64.min, -1, 0, 1, .max] {
                let (one, two) = (ByteCount(bytes: bytes), ByteCount(bytes: other))
                #expect((one - two).bytes >= 0 && !"\(one + two) \(one - two)".isEmpty)
            }
        }
    }
}
