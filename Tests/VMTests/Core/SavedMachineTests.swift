import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost

/// Whether a saved state still fits, and what is said if not.
@Suite struct SavedMachineTests {
    private let machine: GuestMachine = {
        var machine = GuestMachine(uuid: "1", version: "7.2.22", accelerator: "kvm", bootsCDROM: false)
        machine.parts = [
            .init(name: "MACHINE", words: ["-machine", "pc-q35-7.2,vmport=off"]),
            .init(name: "MEMORY", words: ["-m", "size=512M"]), .init(name: "CPU", words: ["-cpu", "host"]),
            .init(name: "NET0", words: ["-device", "virtio-net-pci,mac=52:54:00:00:00:01,addr=3"]),
        ]
        machine.media = [.init(name: "DISK0", path: "/vms/1/disk")]
        return machine
    }()
    private let stamp = MediumStamp(size: 512, modified: 7)
    private let processor = HostProcessor(model: "Pentium", flags: ["avx", "avx2"])

    private var saved: SavedMachine {
        SavedMachine(
            machine, time: 1, memory: MediumStamp(size: 9, modified: 8), processor: processor,
            stamps: ["DISK0": stamp])
    }

    private func differences(
        _ processor: HostProcessor? = nil, stamp: MediumStamp? = MediumStamp(size: 512, modified: 7),
        _ change: (inout GuestMachine) -> Void = { _ in }
    ) -> [String] {
        var now = machine
        change(&now)
        let stamps = [FilePath("/vms/1/disk"): stamp, "/vms/2/disk": stamp].compactMapValues(\.self)
        return saved.differences(from: FoundMachine(now, stamps: stamps, processor: processor ?? self.processor))
    }

    @Test func isReadAsItWasWritten() throws {
        #expect(try SavedMachine(parsing: Array(saved.text.utf8)) == saved)
        #expect(throws: SavedMachine.Fault.self) { try SavedMachine(parsing: Array("{}".utf8)) }
        #expect(throws: SavedMachine.Fault.self) { try SavedMachine(parsing: Array(saved.text.utf8.dropLast(9))) }
        let later = saved.text.replacing(#""version": 3"#, with: #""version": 4"#)
        #expect(throws: SavedMachine.Fault.self) { try SavedMachine(parsing: Array(later.utf8)) }
    }

    /// A VM that was suspended without it goes on with it, and the other way round.
    @Test func theFirmwaresPortIsNoPartOfIt() throws {
        let plan = try Golden.plan("2010")
        #expect(plan.components.contains { $0.words.last?.hasPrefix("isa-debugcon") == true })
        #expect(plan.guestMachine.parts.flatMap(\.words).contains { $0.hasPrefix("pvpanic") })
        #expect(!plan.guestMachine.parts.flatMap(\.words).contains { $0.hasPrefix("isa-debugcon") })
    }

    @Test func theMachineHasToBeTheSame() {
        #expect(differences() == [])
        #expect(differences { $0.parts[1].words[1] = "size=1024M" } == ["MEMORY was 512M and is now 1024M"])
        #expect(
            differences { $0.parts[0].words[1] = "pc-q35-8.2,vmport=off" }
                == ["MACHINE was pc-q35-7.2 and is now pc-q35-8.2"])
        #expect(
            differences { $0.parts[3].words[1] = "virtio-net-pci,mac=52:54:00:00:00:02,addr=3" }
                == ["NET0: mac was 52:54:00:00:00:01 and is now 52:54:00:00:00:02"])
        #expect(differences { $0.parts[3].name = "NET1" } == ["NET0 is no longer there", "NET1 was not there"])
        #expect(
            differences { $0.uuid = "2" } == [
                "it is the state of another VM, whose UUID is 1; this one's is 2"
            ])
    }

    @Test(arguments: [
        ("7.2.22", true), ("7.2.23", true), ("10.0.0", true), ("7.2.9", false), ("6.9", false), ("", true),
    ])
    func aLaterQEMUGoesOn(_ version: String, _ fits: Bool) {
        let lines = differences { $0.version = version }
        #expect(lines == (fits ? [] : ["QEMU was 7.2.22 and is now \(version), which is older"]))
    }

    @Test func theDisksHaveToBeTheSame() {
        #expect(differences(stamp: MediumStamp(size: 512, modified: 8)) == ["DISK0, /vms/1/disk, was written to since"])
        #expect(differences(stamp: MediumStamp(size: 1024, modified: 7)) == ["DISK0 was 512 bytes and is now 1024"])
        #expect(differences(stamp: nil) == ["DISK0, /vms/1/disk, does not exist"])
        // A VM that was moved.
        #expect(differences { $0.media[0].path = "/vms/2/disk" } == [])
    }

    @Test func theSameDiscHasToBeInADrive() {
        let cd = GuestMachine.Part(name: "CDROM0", words: ["-device", "ide-cd,id=cdrom0"])
        func differences(_ before: [FilePath], _ after: [FilePath]) -> [String] {
            var (old, new) = (machine, machine)
            (old.parts, new.parts) = (old.parts + [cd], new.parts + [cd])
            old.media += before.map { .init(name: "CDROM0", path: $0) }
            new.media += after.map { .init(name: "CDROM0", path: $0) }
            let stamps = ["DISK0": stamp, "CDROM0": stamp]
            return SavedMachine(old, time: 1, memory: MediumStamp(size: 9, modified: 8), processor: nil, stamps: stamps)
                .differences(
                    from: FoundMachine(
                        new, stamps: ["/vms/1/disk": stamp, "/a.iso": stamp, "/b.iso": .init(size: 1, modified: 7)],
                        processor: nil))
        }
        #expect(differences([], []) == [] && differences(["/a.iso"], ["/a.iso"]) == [])
        #expect(differences(["/a.iso"], []) == ["CDROM0 had /a.iso, and is now empty"])
        #expect(differences([], ["/a.iso"]) == ["CDROM0 was empty, and now has /a.iso"])
        #expect(differences(["/a.iso"], ["/b.iso"]) == ["CDROM0 was 512 bytes and is now 1"])
    }

    @Test func whatIsInItsDrivesByNowIsSaved() throws {
        var started = machine
        started.devices = ["cdrom0", "cdrom-start"]
        started.cdrom = "/install.iso"
        started.media += [.init(name: "CDROM0", path: "/a.iso"), .init(name: "the ISO", path: "/install.iso")]
        func discs(_ drives: [(id: String, medium: String?)], noted: [FilePath]) throws -> [String: FilePath] {
            let hardware = RunningHardware(
                nodes: [.init(name: "cdrom0.7-file", set: 7, size: ByteCount(bytes: 1))],
                drives: drives.map { .init(id: $0.id, medium: $0.medium) }, sets: [.init(number: 7, path: "/b.iso")])
            let machine = try started.withDiscs(of: hardware, noted: noted)
            #expect(machine.cdrom == machine.media.first { $0.name == "the ISO" }?.path)
            return Dictionary(uniqueKeysWithValues: machine.media.dropFirst().map { ($0.name, $0.path) })
        }
        let new = "cdrom0.7-format"
        #expect(try discs([("cdrom0", nil)], noted: []) == ["the ISO": "/install.iso"])
        #expect(
            try discs([("cdrom0", new)], noted: ["/b.iso"]) == ["CDROM0": "/b.iso", "the ISO": "/install.iso"])
        #expect(
            try discs([("cdrom-start", new)], noted: ["/b.iso"]) == ["CDROM0": "/a.iso", "the ISO": "/b.iso"])
        // Not on QEMU's word alone, and no start makes an empty drive for --cdrom.
        #expect(throws: GuestMachine.DriveObstacle.self) { try discs([("cdrom0", new)], noted: []) }
        #expect(throws: GuestMachine.DriveObstacle.startsDriveIsEmpty) {
            try discs([("cdrom-start", nil)], noted: [])
        }
        // What QEMUARGn made is as it is.
        #expect(try discs([("mine", new)], noted: []).count == 2)
    }

    @Test func theProcessorHasToDoAsMuch() {
        #expect(differences(HostProcessor(model: "Pentium", flags: ["avx2", "avx", "rtm"])) == [])
        #expect(
            differences(HostProcessor(model: "Pentium", flags: ["avx"])) == ["the host's CPU no longer has avx2"])
        #expect(
            differences(HostProcessor(model: "Athlon", flags: ["avx", "avx2"]))
                == ["the host's CPU was Pentium and is now Athlon"])
        let text = "processor\t: 0\nmodel name\t: Pentium II\nflags\t\t: fpu avx pti\n\nmodel name\t: other\n"
        #expect(
            HostProcessor(cpuinfo: Array(text.utf8)) == HostProcessor(model: "Pentium II", flags: ["avx"]))
        #expect(HostProcessor(cpuinfo: []) == nil)
    }

    @Test func migrationsAreRead() throws {
        func read(_ text: String) throws -> Migration? {
            QMPRequest.migration.read(try JSON(parsing: text.utf8))
        }
        #expect(try read("{}")?.status == Migration.Status.none)
        #expect(try read(#"{"status": "failed", "error-desc": "x"}"#)?.failure == "x")
        #expect(try read(#"{"blocked-reasons": ["no"]}"#)?.obstacles == ["no"])
        #expect(try read(#"{"status": "device"}"#)?.status == .working)
    }
}
