import BridgeNet
import Testing

@testable import VMCore
@testable import VMHost

@Suite struct IdentityTests {
    @Test(arguments: ["00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-AABBCCDDEEFF"])
    func uuidsAreReadAndWritten(_ text: String) throws {
        let uuid = try #require(UUID(text))
        #expect(uuid.octets == (0..<16).map { 0x11 * $0 } && uuid == UUID(uuid.octets))
        #expect(uuid.description == text.lowercased())
        #expect(UUID("00000000-0000-0000-0000-000000000000") == UUID.zero)
    }

    @Test(arguments: [
        "", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeefff",
        "001122334455-6677-8899--aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg",
        "00112233_4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeé",
    ])
    func otherTextsAreNoUUIDs(_ text: String) { #expect(UUID(text) == nil) }

    @Test func randomUUIDsAreOfVersion4() {
        let (one, other) = (UUID.random(), UUID.random())
        #expect(one != other && one.octets[6] >> 4 == 4 && one.octets[8] >> 6 == 2)
    }

    @Test func derivedUUIDIsStableAndOfVersion8() {
        let uuid = Identity.derivedUUID(machineID: "abc", file: "/vms/1/vm.params")
        #expect(uuid == Identity.derivedUUID(machineID: "abc", file: "/vms/1/vm.params"))
        #expect(uuid.octets[6] >> 4 == 8)
        #expect(uuid.octets[8] >> 6 == 2)
        // It stays so for ever: a guest's hardware must not change with kvmctl's version.
        #expect(uuid.description == "c07f4d08-db52-8fb1-88e5-9d75c7ff75fe")
    }

    @Test func uuidsAndMACsDiffer() {
        let uuids = (0..<5000).map { Identity.derivedUUID(machineID: "abc", file: "/vms/\($0)/vm.params") }
        #expect(Set(uuids).count == uuids.count)
        let macs = uuids.prefix(200).flatMap { uuid in (0..<8).map { Identity.mac(uuid: uuid, nic: $0) } }
        #expect(Set(macs).count == macs.count)
        #expect(macs.allSatisfy { $0.description.hasPrefix("52:54:00:") && !$0.isMulticast })
    }

    @Test func thePathAndTheHostBothCount() {
        #expect(Identity.derivedUUID(machineID: "ab", file: "c") != Identity.derivedUUID(machineID: "a", file: "bc"))
    }
}

@Suite struct PCILayoutTests {
    /// Guests name disks in bus order, so the addresses must ascend; and no two devices may share one.
    @Test(arguments: [1, 8, 9, 26])
    func disksAscend(_ count: Int) {
        let places = (0..<count).map { PCILayout.disk($0, of: count) }.map { $0.slot * 8 + $0.function }
        #expect(places == places.sorted())
        #expect(Set(places).count == count)
    }

    @Test func nothingOverlaps() {
        let fixed = [
            PCILayout.vga, PCILayout.usb, PCILayout.rng, PCILayout.balloon, PCILayout.serial, PCILayout.sound,
            PCILayout.scsi,
        ]
        let ports = (0..<PCILayout.spareRootPorts).map(PCILayout.rootPort)
        let nics = (0..<8).map { PCILayout.nic($0, of: 8) }
        let disks = (0..<26).map { PCILayout.disk($0, of: 26) }
        let all = (fixed + ports + nics + disks).map { $0.slot * 8 + $0.function }
        #expect(Set(all).count == all.count)
        #expect(all.allSatisfy { $0 >= 2 * 8 && $0 < 31 * 8 })
    }

    @Test func functionZeroAnnouncesTheOthers() {
        let first = PCILayout.disk(8, of: 9)
        #expect(first.text == "0x11.0")
        #expect(first.announcesOthers)
        #expect(!PCILayout.disk(1, of: 9).announcesOthers)
        #expect(!PCILayout.disk(0, of: 8).announcesOthers)
    }
}

@Suite struct OptionTextTests {
    @Test func commasAreDoubled() {
        #expect(qemuOption("x", [("a", "1,2"), ("b", nil), ("c", "")]) == "x,a=1,,2,c=")
    }

    @Test(arguments: [
        ("/vms/1/vdisk0", "/vms/1/vdisk0"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("$X", "'$X'"),
    ])
    func shellWordsAreQuotedWhereNeeded(_ text: String, _ quoted: String) {
        #expect(ShellCommand(words: [text]).description == quoted)
    }
}
