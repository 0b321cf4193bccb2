import SystemPackage
import Testing

@testable import VMCore

/// What is worked out from what a running machine has.
@Suite struct RunningHardwareTests {
    private let name = VMName("vm")

    /// DISK0 from the start, DISK1 plugged with limits, a CD that was changed.
    private let machine = RunningHardware(
        devices: ["disk0", "disk1", "cdrom0", "port0", "port1"], objects: ["iothread0", "disk1-limits"],
        nodes: [
            .init(name: "disk0-file", set: 9, size: ByteCount(bytes: 512)),
            .init(name: "disk0-format", set: nil, size: ByteCount(bytes: 512)),
            .init(name: "disk1-file", set: 1000, size: ByteCount(bytes: 1024)),
            .init(name: "disk1-format", set: nil, size: ByteCount(bytes: 1024)),
            .init(name: "disk1-throttle", set: nil, size: ByteCount(bytes: 1024)),
            .init(name: "cdrom0.1001-file", set: 1001, size: ByteCount(bytes: 2048)),
            .init(name: "cdrom0.1001-format", set: nil, size: ByteCount(bytes: 2048)),
        ],
        drives: [.init(id: "cdrom0", medium: "cdrom0.1001-format")],
        sets: [
            .init(number: 5, path: nil), .init(number: 9, path: "/0"), .init(number: 1000, path: "/1"),
            .init(number: 1001, path: "/cd"),
        ], bridges: ["port0": ["disk1"], "port1": []])

    @Test func knowsItsImages() throws {
        #expect(machine.media == ["/0", "/1", "/cd"])
        #expect(machine.disk(with: "/1") == "disk1")
        #expect(machine.disk(with: "/cd") == nil)
        #expect(machine.disk("disk1")?.name == "disk1-throttle")
        #expect(machine.medium(of: try #require(machine.drives.first)) == "/cd")
        #expect(machine.freeNumber == 1002)
        var old = machine
        old.sets[1].path = nil
        // Started by a kvmctl that did not tell QEMU.
        #expect(old.media == nil)
    }

    @Test func knowsWhereDevicesCanBePlugged() throws {
        let name = try #require(name)
        #expect(try machine.place(in: name) == .bus("port1"))
        #expect(machine.canUnplug("disk1") && !machine.canUnplug("disk0"))
        var other = machine
        other.bridges["port1"] = [""]
        #expect(throws: VMError.self) { try other.place(in: name) }
        other.bridges = [:]
        #expect(try other.place(in: name) == .bus("pci.0"))
        #expect(other.canUnplug("disk0"))
    }

    @Test func findsWhatWasLeft() {
        #expect(machine.leftovers.isEmpty)
        var left = machine
        // The guest let go of the disk, the CD was changed again, and a set was never used.
        left.devices.remove("disk1")
        left.drives = [.init(id: "cdrom0")]
        left.sets.append(.init(number: 1002, path: "/new"))
        #expect(
            left.leftovers.map { $0.command.line() } == [
                #"{"arguments":{"node-name":"disk1-throttle"},"execute":"blockdev-del"}"#,
                #"{"arguments":{"id":"disk1-limits"},"execute":"object-del"}"#,
                #"{"arguments":{"node-name":"disk1-format"},"execute":"blockdev-del"}"#,
                #"{"arguments":{"node-name":"disk1-file"},"execute":"blockdev-del"}"#,
                #"{"arguments":{"fdset-id":1000},"execute":"remove-fd"}"#,
                #"{"arguments":{"node-name":"cdrom0.1001-format"},"execute":"blockdev-del"}"#,
                #"{"arguments":{"node-name":"cdrom0.1001-file"},"execute":"blockdev-del"}"#,
                #"{"arguments":{"fdset-id":1001},"execute":"remove-fd"}"#,
                #"{"arguments":{"fdset-id":1002},"execute":"remove-fd"}"#,
            ])
    }

    /// As a run from a warm image has them: DISK0 over an image, with limits, and DISK1, which had no image.
    private let ofRun = RunningHardware(
        devices: ["disk0", "disk1"], objects: ["disk0-limits"],
        nodes: [
            ("disk0-backing-file", 10), ("disk0-backing-format", nil), ("disk0-file", 11), ("disk0-format", nil),
            ("disk0-frozen-file", 12), ("disk0-frozen-format", nil), ("disk0-scratch-file", 13),
            ("disk0-scratch-format", nil), ("disk0-throttle", nil), ("disk1-frozen-file", 14),
            ("disk1-frozen-format", nil), ("disk1-scratch-file", 15), ("disk1-scratch-format", nil),
        ].map { .init(name: $0, set: $1, size: ByteCount(bytes: 512)) },
        sets: (10...15).map { .init(number: $0, path: nil) })

    @Test func whatAGuestWritesIsNoLeftover() {
        #expect(ofRun.leftovers.isEmpty)
    }

    /// QEMU removes no node that another stands on, and takes no descriptor from one.
    @Test func overlaysGoBeforeWhatTheyStandOn() {
        var left = ofRun
        left.devices = []
        func removed(_ node: String) -> String {
            #"{"arguments":{"node-name":"\#(node)"},"execute":"blockdev-del"}"#
        }
        func closed(_ set: Int) -> String { #"{"arguments":{"fdset-id":\#(set)},"execute":"remove-fd"}"# }
        #expect(
            left.leftovers.map { $0.command.line() } == [
                removed("disk0-throttle"), #"{"arguments":{"id":"disk0-limits"},"execute":"object-del"}"#,
                removed("disk0-scratch-format"), removed("disk0-scratch-file"), closed(13),
                removed("disk0-frozen-format"), removed("disk0-frozen-file"), closed(12),
                removed("disk0-format"), removed("disk0-file"), closed(11),
                removed("disk0-backing-format"), removed("disk0-backing-file"), closed(10),
                removed("disk1-scratch-format"), removed("disk1-scratch-file"), closed(15),
                removed("disk1-frozen-format"), removed("disk1-frozen-file"), closed(14),
            ])
    }

    @Test func aHostileMachineOverflowsNothing() {
        var hostile = machine
        hostile.sets.append(.init(number: .max, path: nil))
        #expect(hostile.freeNumber == 1002)
    }
}
