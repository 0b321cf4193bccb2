import BridgeNet
import SystemPackage
import Testing

@testable import VMCore

/// What is plugged is planned as at a start, at other places and with other numbers.
@Suite struct PlugPlanTests {
    private let machine = RunningHardware(
        devices: ["disk0", "port0"], objects: ["iothread0"], sets: [.init(number: 1000, path: "/x")],
        bridges: ["port0": []])

    private var facts: HostFacts {
        var facts = HostFacts(
            isRoot: true, machineID: "", qemu: QEMUFacts(unasked: "/usr/bin/qemu"), kvm: .works, ioUring: true,
            vhostNet: true, credentials: .caller)
        facts.images = ["/d": .image(.init(bytes: 1024, content: .raw, directIO: true))]
        return facts
    }

    private func plan(_ lines: String..., facts: HostFacts) throws -> PlugPlan {
        let params = try VMParams.of(
            lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1)
                return ParamsLine(String(parts[0]), String(parts[1]))
            }, name: try #require(VMName("web")), file: "/vms/1/vm.params")
        var file = params
        (file.disks, file.nics) = ([], [])
        let only = file.only(
            disk: params.disks.last, nic: params.disks.isEmpty ? params.nics.last : nil, called: "vm")
        return try PlugPlan(only, into: machine, at: .rootPort(0), facts: facts)
    }

    /// The thread for disk I/O is there already; the disk is not booted, and its number is free.
    @Test func aDisk() throws {
        let plug = try plan("DISK1=/d", "DISK1_IOPS=5", "BOOT=disk", facts: facts).plug
        #expect(
            plug.steps.map(\.command.name) == [
                "add-fd", "blockdev-add", "blockdev-add", "object-add", "blockdev-add", "device_add",
            ])
        #expect(
            plug.steps.first?.command.line() == #"{"arguments":{"fdset-id":1001,"opaque":"/d"},"execute":"add-fd"}"#)
        let device = try #require(plug.steps.last?.command.arguments)
        #expect(device["bus"] == "port0" && device["drive"] == "disk1-throttle" && device["bootindex"] == nil)
    }

    @Test func whatNoStartCouldUseIsRefused() throws {
        var facts = facts
        facts.images["/d"] = .image(.init(bytes: 1000, content: .raw, directIO: true))
        #expect(throws: PlanRefusal.self) { try plan("DISK1=/d", facts: facts) }
        facts.images["/d"] = .missing(directIO: true)
        #expect(throws: PlanRefusal.self) { try plan("DISK1=/d", facts: facts) }
        #expect(try plan("DISK1=/d", "DISK1_SIZE=1M", facts: facts).launch.newDisks.map(\.path) == ["/d"])
    }

    /// Its lines are in no file, and a start would not make a qcow2 image.
    @Test func whatIsSaidOnACommandLine() throws {
        var facts = facts
        facts.images["/d"] = .missing(directIO: true)
        let plan = try plan("DISK1=/d", "DISK1_SIZE=1M", "DISK1_FORMAT=qcow2", facts: facts)
        #expect(plan.launch.newDisks.map(\.format) == [.qcow2])
        let lines = ["DISK1": "/d", "DISK1_SIZE": "1M", "DISK1_READONLY": "yes"]
        for words in [["DISK1"], ["DISK1", "DISK1_SIZE", "DISK1_READONLY"]] {
            let params = try VMParams.of(
                words.map { ParamsLine($0, lines[$0] ?? "") }, name: try #require(VMName("web")),
                file: "/vms/1/vm.params")
            var empty = params
            empty.disks = []
            let only = empty.only(disk: params.disks.first, called: "vm")
            let refused = #expect(throws: PlanRefusal.self) {
                try PlugPlan(only, into: machine, at: .rootPort(0), facts: facts)
            }
            #expect(refused?.problems.map(\.subject) == ["vm"])
            if words.count == 1 { #expect(refused?.problems.first?.remedy?.description.contains("--size 8G") == true) }
            let own = params.only(disk: params.disks.first, called: "vm")
            let known = #expect(throws: PlanRefusal.self) {
                try PlugPlan(own, into: machine, at: .rootPort(0), facts: facts)
            }
            #expect(known?.problems.first?.subject.hasPrefix("/vms/1/vm.params:") == true)
        }
    }

    /// Descriptors that a start would inherit are lent, and what QEMU only holds has a name that `nic detach` knows.
    @Test func aCard() throws {
        var facts = facts
        facts.bridges = [try #require(InterfaceName("br0")): BridgeFacts(isUp: true, mtu: 1500)]
        let plug = try plan("NET1=bridge:br0", "NET1_MAC=52:54:00:00:00:01", "NET0=none", facts: facts).plug
        #expect(plug.steps.map(\.command.name) == ["getfd", "getfd", "getfd", "netdev_add", "device_add"])
        let names = plug.steps.compactMap { $0.command.arguments["fdname"]?.string }
        #expect(names == ["nic1-taps", "lent1001", "lent1002"])
        #expect(VMParams.NIC.holdNames(1).contains("nic1-taps"))
        #expect(plug.removal.map(\.command.name) == ["device_del", "netdev_del", "closefd"])
        #expect(plug.steps[3].command.arguments["fd"] == "lent1001")
        #expect(plug.steps[3].command.arguments["vhostfd"] == "lent1002")
    }
}
