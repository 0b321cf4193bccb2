import BridgeNet
import Glibc
import SystemPackage
import Testing

@testable import VMCore

/// What a plug says, step by step.
@Suite struct PlugStepTests {
    @Test func aDiskComesWithAllThatItStandsOn() throws {
        let plug = try Plug.disk("/d", "DISK1_READONLY=yes", "DISK1_IOPS=100")
        #expect(
            plug.steps.map { $0.command.line() } == [
                #"{"arguments":{"id":"iothread0","qom-type":"iothread"},"execute":"object-add"}"#,
                #"{"arguments":{"fdset-id":7,"opaque":"/d"},"execute":"add-fd"}"#,
                #"{"arguments":{"aio":"threads","cache":{"direct":false,"no-flush":false},"discard":"unmap","driver":"file","#
                    + #""filename":"/dev/fdset/7","node-name":"disk1-file","read-only":true},"execute":"blockdev-add"}"#,
                #"{"arguments":{"discard":"unmap","driver":"raw","file":"disk1-file","node-name":"disk1-format","#
                    + #""read-only":true},"execute":"blockdev-add"}"#,
                #"{"arguments":{"id":"disk1-limits","limits":{"iops-total":100},"qom-type":"throttle-group"},"#
                    + #""execute":"object-add"}"#,
                #"{"arguments":{"driver":"throttle","file":"disk1-format","node-name":"disk1-throttle","#
                    + #""read-only":true,"throttle-group":"disk1-limits"},"execute":"blockdev-add"}"#,
                #"{"arguments":{"bus":"port0","drive":"disk1-throttle","driver":"virtio-blk-pci","id":"disk1","#
                    + #""iothread":"iothread0","write-cache":"on"},"execute":"device_add"}"#,
            ])
        // One descriptor, sent with the command that makes its set.
        #expect(plug.steps.map(\.descriptor) == [nil, .image("/d", writable: false), nil, nil, nil, nil, nil])
        #expect(
            plug.removal.map { $0.command.line() } == [
                #"{"arguments":{"id":"disk1"},"execute":"device_del"}"#,
                #"{"arguments":{"node-name":"disk1-throttle"},"execute":"blockdev-del"}"#,
                #"{"arguments":{"id":"disk1-limits"},"execute":"object-del"}"#,
                #"{"arguments":{"node-name":"disk1-format"},"execute":"blockdev-del"}"#,
                #"{"arguments":{"node-name":"disk1-file"},"execute":"blockdev-del"}"#,
                #"{"arguments":{"fdset-id":7},"execute":"remove-fd"}"#,
                #"{"arguments":{"id":"iothread0"},"execute":"object-del"}"#,
            ])
        #expect(plug.removal.map(\.end) == [.deviceDeleted(id: "disk1")] + Array(repeating: .reply, count: 6))
        #expect(plug.rollback(of: 0).isEmpty)
        #expect(plug.rollback(of: 2) == plug.removal.suffix(2))
        #expect(plug.rollback(of: 7) == plug.removal)
    }

    @Test func aCardIsLentItsDescriptors() throws {
        let plug = try Plug.card("NET1_QUEUES=2", Plug.lentTap)
        #expect(
            plug.steps.map { $0.command.line() } == [
                #"{"arguments":{"fdname":"tap1-0"},"execute":"getfd"}"#,
                #"{"arguments":{"fdname":"tap1-1"},"execute":"getfd"}"#,
                #"{"arguments":{"fdname":"vhost1-0"},"execute":"getfd"}"#,
                #"{"arguments":{"fdname":"vhost1-1"},"execute":"getfd"}"#,
                #"{"arguments":{"fds":"tap1-0:tap1-1","id":"net1","type":"tap","vhost":true,"#
                    + #""vhostfds":"vhost1-0:vhost1-1"},"execute":"netdev_add"}"#,
                #"{"arguments":{"bus":"port0","driver":"virtio-net-pci","id":"nic1","mac":"52:54:00:00:00:01","mq":true,"#
                    + #""netdev":"net1","romfile":"","vectors":6},"execute":"device_add"}"#,
            ])
        #expect(
            plug.steps.map(\.descriptor) == [
                .tap(nic: 1, queue: 0), .tap(nic: 1, queue: 1), .vhost(nic: 1, queue: 0), .vhost(nic: 1, queue: 1),
                nil, nil,
            ])
        // The back end took them along.
        #expect(plug.removal.map(\.command.name) == ["device_del", "netdev_del"])
        #expect(
            plug.rollback(of: 4).map { $0.command.line() }.last
                == #"{"arguments":{"fdname":"tap1-0"},"execute":"closefd"}"#)
        #expect(plug.rollback(of: 4).map(\.end) == Array(repeating: .replyOrRefusal, count: 4))
    }
}

/// What a plug says, to a real QEMU.
@Suite struct PlugTests {
    /// Two root ports. Where hot-plug is not ACPI's, a slot that no guest has powered on gives up its device at once.
    private static let ports =
        ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
        + (0..<2).flatMap { Component.device(.rootPort($0)).words }

    /// Twice, before the start and while the machine runs: what the first removal leaves behind would be in the way.
    @Test(arguments: [("raw", "no"), ("qcow2", "no"), ("raw", "yes")])
    func plugsAndUnplugsADisk(_ format: String, readOnly: String) throws {
        let path = try makeImage(format)
        defer { unlink(path.string) }
        let qemu = try RealQEMU(Self.ports)
        let before = try qemu.inventory
        let plug = try Plug.disk(
            path, "DISK1_FORMAT=\(format)", "DISK1_READONLY=\(readOnly)", "DISK1_IOPS=1000", "DISK1_BPS=100M",
            "DISK1_SERIAL=a,b")
        for _ in 0..<2 {
            try qemu.carryOut(plug)
            let found = try qemu.inventory
            #expect(found.devices == before.devices.union(["disk1"]))
            #expect(found.objects == before.objects.union(["iothread0", "disk1-limits"]))
            #expect(found.nodes == ["disk1-file", "disk1-format", "disk1-throttle"])
            #expect(found.descriptorSets == [7])
            // Else the descriptor would stay open.
            try qemu.execute(QMPCommand("cont"))
            try qemu.carryOut(plug.removal)
            #expect(try qemu.inventory == before)
        }
    }

    @Test func plugsAndUnplugsACard() throws {
        let qemu = try RealQEMU(Self.ports)
        let before = try qemu.inventory
        let forward = PortForward(transport: .tcp, address: "127.0.0.1", hostPort: 0, guestPort: 22)
        let plug = try Plug.card("NET1_QUEUES=2", .user(forwards: [forward]))
        for _ in 0..<2 {
            try qemu.carryOut(plug)
            #expect(try qemu.inventory.devices == before.devices.union(["nic1"]))
            try qemu.carryOut(plug.removal)
            #expect(try qemu.inventory == before)
        }
    }

    @Test func aDiskThatIsRefusedLeavesNothing() throws {
        let path = try makeImage("raw")
        defer { unlink(path.string) }
        let qemu = try RealQEMU(Self.ports)
        try qemu.execute(QMPCommand("cont"))
        let before = try qemu.inventory
        let plug = try Plug.disk(path, at: .bus("nowhere"), "DISK1_IOPS=1000")
        #expect(throws: RealQEMU.Refusal.self) { try qemu.carryOut(plug) }
        #expect(try qemu.inventory == before)
    }

    /// These descriptors are no taps, so QEMU takes some of them and refuses.
    @Test func aCardThatIsRefusedLeavesNothing() throws {
        let qemu = try RealQEMU(Self.ports)
        let before = try qemu.inventory
        let plug = try Plug.card("NET1_QUEUES=2", Plug.lentTap)
        for _ in 0..<2 {
            #expect {
                try qemu.carryOut(plug)
            } throws: { error in
                // Not at the type of an argument.
                (error as? RealQEMU.Refusal)?.text.contains("TUNGETIFF") == true
            }
            #expect(try qemu.inventory == before)
        }
    }

    /// QEMU 7.2 converts what `device_add` is given, later ones need not. `-device` takes the same arguments as JSON, and
    /// refuses any that has another type than the property.
    @Test(arguments: ["disks", "nics", "many"])
    func everyDeviceHasTheTypesOfItsProperties(_ name: String) throws {
        let arguments = try Golden.plan(name).components.flatMap(\.wordsWithoutHost)
        let qemu = try RealQEMU(["-chardev", "null,id=agent0", "-chardev", "null,id=firmware"] + arguments)
        #expect(try qemu.inventory.devices.contains("vga"))
    }
}

/// Makes an image of 8 MiB for the test to remove.
private func makeImage(_ format: String) throws -> FilePath {
    var template = Array("/tmp/kvmctl-test-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    try #require(descriptor >= 0)
    close(descriptor)
    let path = FilePath(platformString: template)
    var status: CInt = -1
    waitpid(try RealQEMU.spawn(["qemu-img", "create", "-q", "-f", format, path.string, "8M"]), &status, 0)
    try #require(status == 0)
    return path
}

extension Component {
    /// As JSON, with something in place of files and taps.
    fileprivate var wordsWithoutHost: [String] {
        switch self {
        case .device(let device): return ["-device", JSON.object(device.plugged.arguments).text]
        case .object(let object): return ["-object", JSON.object(object.plugged.arguments).text]
        case .node(let node):
            let standIn: JSON = [
                "driver": "null-co", "node-name": .string(node.name), "read-zeroes": true,
                "read-only": .bool(node.isReadOnly ?? false),
            ]
            return ["-blockdev", standIn.text]
        case .backend(let backend): return ["-netdev", "user,id=\(backend.id)"]
        case .descriptors: return []
        }
    }
}

extension Plug {
    fileprivate static let lentTap = NetworkBackend.Carrier.tap(
        (0..<2).map { .lent(LentDescriptor("tap1-\($0)", .tap(nic: 1, queue: $0))) },
        vhost: (0..<2).map { .lent(LentDescriptor("vhost1-\($0)", .vhost(nic: 1, queue: $0))) })

    /// `DISK1`, on descriptor set 7.
    fileprivate static func disk(
        _ path: FilePath, at place: Device.Place = .rootPort(0), _ lines: String...
    ) throws -> Plug {
        let params = try VMParams.reading(["DISK1=\(path)"] + lines)
        let disk = try #require(params.disks.first)
        let file = BlockNode.file(
            of: disk.deviceID, in: DescriptorSet(7, .image(path, writable: !disk.readOnly.value)),
            isBlockDevice: false, cache: .writeback, aio: .threads, isReadOnly: disk.readOnly.value)
        let node = BlockNode.disk(disk, on: file)
        let device = Device.disk(disk, on: node, cache: .writeback, at: place, bootIndex: nil)
        return Plug(device, objects: [.diskThread], node: node)
    }

    /// `NET1`.
    fileprivate static func card(_ line: String, _ carrier: NetworkBackend.Carrier) throws -> Plug {
        let params = try VMParams.reading(["NET1=bridge:br0", line])
        let nic = try #require(params.nics.first { $0.index == 1 })
        let mac = try #require(MACAddress("52:54:00:00:00:01"))
        let card = Device.card(nic, mac: mac, mtu: nil, at: .rootPort(0), bootIndex: nil)
        return Plug(card, backend: NetworkBackend(nic.backendID, carrier))
    }
}

extension VMParams {
    fileprivate static func reading(_ lines: [String]) throws -> VMParams {
        let text = lines.joined(separator: "\n") + "\n"
        let parsed = parse(Array(text.utf8), file: "/vms/1/vm.params")
        return try #require(parsed.params, "\(parsed.lines.joined(separator: "\n"))")
    }
}

extension RealQEMU {
    /// What can be plugged.
    struct Inventory: Equatable {
        var devices: Set<String>
        var objects: Set<String>
        var nodes: Set<String>
        var backends: Set<String>
        var descriptorSets: Set<Int64>
    }

    var inventory: Inventory {
        get throws {
            let nodes = try execute(QMPCommand("query-named-block-nodes", ["flat": true])).array ?? []
            let sets = try execute(QMPCommand("query-fdsets")).array ?? []
            return Inventory(
                devices: try children(of: "/machine/peripheral"), objects: try children(of: "/objects"),
                nodes: Set(nodes.compactMap { $0["node-name"]?.string }),
                backends: try backends,
                descriptorSets: Set(sets.compactMap { $0["fdset-id"]?.integer }))
        }
    }

    private func children(of path: String) throws -> Set<String> {
        let members = try execute(QMPCommand("qom-list", ["path": .string(path)])).array ?? []
        let children = members.filter { $0["type"]?.string?.hasPrefix("child<") == true }
        return Set(children.compactMap { $0["name"]?.string })
    }

    /// QMP does not list them.
    private var backends: Set<String> {
        get throws {
            let command = QMPCommand("human-monitor-command", ["command-line": "info network"])
            let lines = (try execute(command).string ?? "").split(whereSeparator: \.isNewline)
            return Set(lines.map { String($0.drop { " \\".contains($0) }.prefix { $0 != ":" }) })
        }
    }

    /// Carries out a plug, and rolls back what was done where QEMU refuses a step.
    func carryOut(_ plug: Plug) throws {
        for (done, step) in plug.steps.enumerated() {
            do {
                let descriptor = try step.descriptor.map(open)
                defer { if let descriptor { close(descriptor) } }
                try execute(step.command, sending: descriptor)
            } catch {
                try carryOut(plug.rollback(of: done))
                throw error
            }
        }
    }

    func carryOut(_ steps: [UnplugStep]) throws {
        for step in steps {
            do {
                try execute(step.command)
            } catch let refusal as Refusal {
                guard step.end == .replyOrRefusal else { throw refusal }
            }
            if case .deviceDeleted(let id) = step.end { try awaitDeletion(of: id) }
        }
    }

    private func open(_ role: Descriptor.Role) throws -> CInt {
        guard case .image(let path, let writable, _) = role else {
            return try FileDescriptor.open("/dev/null", .readWrite, options: .closeOnExec).rawValue
        }
        return try FileDescriptor.open(path, writable ? .readWrite : .readOnly, options: .closeOnExec).rawValue
    }
}
