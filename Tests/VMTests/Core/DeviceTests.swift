import BridgeNet
import SystemPackage
import Testing

@testable import VMCore

/// Both renderings beside each other, for all that the planner makes.
@Suite struct DeviceTests {
    struct Case: CustomTestStringConvertible {
        let component: Component
        let argument: String
        let plugged: String
        var testDescription: String { argument }
    }

    @Test(arguments: cases)
    func isTheSameAtStartAndPlugged(_ one: Case) {
        #expect(one.component.words.last == one.argument)
        #expect(JSON.object(one.component.plugged.arguments).text == one.plugged)
    }

    /// A device that the planner begins to make needs a line here.
    @Test func everyDeviceOfTheGoldenPlansIsAmongThem() throws {
        let known = Set(Self.cases.map { $0.component.kind })
        for name in ["2010", "many", "disks", "nics", "private", "pc", "user-net", "odd-names"] {
            for component in try Golden.plan(name).components {
                #expect(known.contains(component.kind), "\(component.words)")
            }
        }
    }

    @Test func addsAndRemovesWithTheCommandsOfItsKind() throws {
        let commands = Dictionary(
            grouping: Self.cases.map(\.component), by: \.words.first
        ).mapValues { components in
            Set(components.map { "\($0.plugged.name) \($0.unplugged?.line() ?? "-")" }).min()
        }
        #expect(
            commands == [
                "-add-fd": #"add-fd {"arguments":{"fdset-id":9},"execute":"remove-fd"}"#,
                "-object": #"object-add {"arguments":{"id":"disk0-limits"},"execute":"object-del"}"#,
                "-blockdev": #"blockdev-add {"arguments":{"node-name":"cdrom0-format"},"execute":"blockdev-del"}"#,
                "-netdev": #"netdev_add {"arguments":{"id":"net0"},"execute":"netdev_del"}"#,
                // The agent's channel, which has no id.
                "-device": "device_add -",
            ])
    }

    /// A backing file is part of the tree, and comes first.
    @Test func aTreeListsItsNodesFromTheBottomUp() {
        func layer(_ id: String, on backing: BlockNode?, set: CInt) -> BlockNode {
            let file = Self.file(id, DescriptorSet(set, .image(FilePath("/\(id)"), writable: true)))
            return BlockNode(name: "\(id)-format", driver: .qcow2(file, backing: backing))
        }
        let tree = layer("b", on: layer("a", on: nil, set: 5), set: 6)
        #expect(
            tree.components.map { $0.words.last ?? "" } == [
                "fd=5,set=5,opaque=/a", Self.file("a", DescriptorSet(5, .image("/a", writable: true))).argument,
                #"{"backing":null,"driver":"qcow2","file":"a-file","node-name":"a-format"}"#,
                "fd=6,set=6,opaque=/b", Self.file("b", DescriptorSet(6, .image("/b", writable: true))).argument,
                #"{"backing":"a-format","driver":"qcow2","file":"b-file","node-name":"b-format"}"#,
            ])
    }
}

extension DeviceTests {
    fileprivate static func file(
        _ id: String, _ set: DescriptorSet, isBlockDevice: Bool = false, cache: CacheMode = .none,
        aio: BlockNode.AsynchronousIO = .ioUring, isReadOnly: Bool = false
    ) -> BlockNode {
        .file(of: id, in: set, isBlockDevice: isBlockDevice, cache: cache, aio: aio, isReadOnly: isReadOnly)
    }

    static let cases = devices + disks + networks

    private static let devices: [Case] = [
        Case(
            component: .device(Device("VGA", id: "vga", at: .root(PCILayout.vga))),
            argument: "VGA,id=vga,addr=0x2", plugged: #"{"addr":"0x2","driver":"VGA","id":"vga"}"#),
        Case(
            component: .device(Device("qemu-xhci", id: "usb", at: .root(PCILayout.usb))),
            argument: "qemu-xhci,id=usb,addr=0x3", plugged: #"{"addr":"0x3","driver":"qemu-xhci","id":"usb"}"#),
        Case(
            component: .device(Device("usb-tablet", id: "tablet", at: .bus("usb.0"))),
            argument: "usb-tablet,id=tablet,bus=usb.0",
            plugged: #"{"bus":"usb.0","driver":"usb-tablet","id":"tablet"}"#),
        Case(
            component: .device(Device("pvpanic", id: nil, at: .bus("isa.0"), ["events": .number(1)])),
            argument: "pvpanic,bus=isa.0,events=1",
            plugged: #"{"bus":"isa.0","driver":"pvpanic","events":1}"#),
        Case(
            component: .device(
                Device(
                    "isa-debugcon", id: nil, at: .bus("isa.0"), ["iobase": .number(1026), "chardev": .text("firmware")])
            ),
            argument: "isa-debugcon,bus=isa.0,iobase=1026,chardev=firmware",
            plugged: #"{"bus":"isa.0","chardev":"firmware","driver":"isa-debugcon","iobase":1026}"#),
        Case(
            component: .object(.entropySource(id: "rng0")),
            argument: "rng-builtin,id=rng0", plugged: #"{"id":"rng0","qom-type":"rng-builtin"}"#),
        Case(
            component: .device(Device("virtio-rng-pci", id: "rng", at: .root(PCILayout.rng), ["rng": .text("rng0")])),
            argument: "virtio-rng-pci,id=rng,addr=0x4,rng=rng0",
            plugged: #"{"addr":"0x4","driver":"virtio-rng-pci","id":"rng","rng":"rng0"}"#),
        Case(
            component: .device(
                Device(
                    "virtio-balloon-pci", id: "balloon", at: .root(PCILayout.balloon),
                    ["free-page-reporting": .flag(true), "deflate-on-oom": .flag(false)])),
            argument: "virtio-balloon-pci,id=balloon,addr=0x5,free-page-reporting=on,deflate-on-oom=off",
            plugged: #"{"addr":"0x5","deflate-on-oom":false,"driver":"virtio-balloon-pci","free-page-reporting":true,"#
                + #""id":"balloon"}"#),
        Case(
            component: .device(Device("virtio-serial-pci", id: "vserial", at: .root(PCILayout.serial))),
            argument: "virtio-serial-pci,id=vserial,addr=0x6",
            plugged: #"{"addr":"0x6","driver":"virtio-serial-pci","id":"vserial"}"#),
        Case(
            component: .device(Device("virtserialport", id: nil, at: .bus("vserial.0"), ["chardev": .text("agent0")])),
            argument: "virtserialport,bus=vserial.0,chardev=agent0",
            plugged: #"{"bus":"vserial.0","chardev":"agent0","driver":"virtserialport"}"#),
        Case(
            component: .device(.rootPort(0)),
            argument: "pcie-root-port,id=port0,addr=0x18.0,multifunction=on,chassis=1,slot=0",
            plugged: #"{"addr":"0x18.0","chassis":1,"driver":"pcie-root-port","id":"port0","multifunction":true,"#
                + #""slot":0}"#),
        Case(
            component: .device(.rootPort(1)),
            argument: "pcie-root-port,id=port1,addr=0x18.1,chassis=2,slot=1",
            plugged: #"{"addr":"0x18.1","chassis":2,"driver":"pcie-root-port","id":"port1","slot":1}"#),
    ]

    private static let set = DescriptorSet(9, .image("/vms/1/vdisk0", writable: true, direct: true))

    private static let disks: [Case] = [
        Case(
            component: .descriptors(set), argument: "fd=9,set=9,opaque=/vms/1/vdisk0",
            plugged: #"{"fdset-id":9,"opaque":"/vms/1/vdisk0"}"#),
        Case(
            component: .object(.diskThread), argument: "iothread,id=iothread0",
            plugged: #"{"id":"iothread0","qom-type":"iothread"}"#),
        same(
            .node(file("disk0", set)),
            #"{"aio":"io_uring","cache":{"direct":true,"no-flush":false},"discard":"unmap","driver":"file","#
                + #""filename":"/dev/fdset/9","node-name":"disk0-file","read-only":false}"#),
        same(
            .node(file("disk0", set, isBlockDevice: true, cache: .unsafe, aio: .threads, isReadOnly: true)),
            #"{"aio":"threads","cache":{"direct":false,"no-flush":true},"discard":"unmap","driver":"host_device","#
                + #""filename":"/dev/fdset/9","node-name":"disk0-file","read-only":true}"#),
        same(
            .node(
                BlockNode(
                    name: "disk0-format", driver: .raw(file("disk0", set)), isReadOnly: false, discards: true)),
            #"{"detect-zeroes":"unmap","discard":"unmap","driver":"raw","file":"disk0-file","#
                + #""node-name":"disk0-format","read-only":false}"#),
        same(
            .node(
                BlockNode(
                    name: "disk0-format", driver: .qcow2(file("disk0", set), backing: nil), isReadOnly: true,
                    discards: true)),
            #"{"backing":null,"discard":"unmap","driver":"qcow2","file":"disk0-file","node-name":"disk0-format","#
                + #""read-only":true}"#),
        same(
            .object(.throttleGroup(ThrottleGroup(id: "disk0-limits", iops: 1000, bytesPerSecond: 104_857_600))),
            #"{"id":"disk0-limits","limits":{"bps-total":104857600,"iops-total":1000},"qom-type":"throttle-group"}"#),
        same(
            .node(
                BlockNode(
                    name: "disk0-throttle", driver: .throttle(file("disk0", set), ThrottleGroup(id: "disk0-limits")))),
            #"{"driver":"throttle","file":"disk0-file","node-name":"disk0-throttle","throttle-group":"disk0-limits"}"#),
        Case(
            component: .device(
                Device(
                    "virtio-blk-pci", id: "disk0", at: .root(PCILayout.disk(0, of: 9)),
                    [
                        "drive": .text("disk0-format"), "bootindex": .number(2), "write-cache": .text("off"),
                        "serial": .text("a,b=c"),
                    ])),
            argument: "virtio-blk-pci,id=disk0,addr=0x10.0,multifunction=on,drive=disk0-format,bootindex=2,"
                + "write-cache=off,serial=a,,b=c",
            plugged: #"{"addr":"0x10.0","bootindex":2,"drive":"disk0-format","driver":"virtio-blk-pci","id":"disk0","#
                + #""multifunction":true,"serial":"a,b=c","write-cache":"off"}"#),
        same(
            .node(.disc("cdrom0", on: file("cdrom0", set, isReadOnly: true))),
            #"{"driver":"raw","file":"cdrom0-file","node-name":"cdrom0-format","read-only":true}"#),
        Case(
            component: .device(
                .cdDrive("cdrom0", on: .disc("cdrom0", on: file("cdrom0", set)), at: .bus("ide.0"), bootIndex: 1)),
            argument: "ide-cd,id=cdrom0,bus=ide.0,drive=cdrom0-format,bootindex=1",
            plugged: #"{"bootindex":1,"bus":"ide.0","drive":"cdrom0-format","driver":"ide-cd","id":"cdrom0"}"#),
    ]

    private static let forward = PortForward(transport: .tcp, address: "127.0.0.1", hostPort: 2222, guestPort: 22)

    private static let networks: [Case] = [
        Case(
            component: .backend(NetworkBackend("net0", .user(forwards: []))),
            argument: "user,id=net0", plugged: #"{"id":"net0","type":"user"}"#),
        Case(
            component: .backend(NetworkBackend("net0", .user(forwards: [forward, forward]))),
            argument: "user,id=net0,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp:127.0.0.1:2222-:22",
            plugged: #"{"hostfwd":[{"str":"tcp:127.0.0.1:2222-:22"},{"str":"tcp:127.0.0.1:2222-:22"}],"id":"net0","#
                + #""type":"user"}"#),
        Case(
            component: .backend(NetworkBackend("net0", .tap([.inherited(9)], vhost: []))),
            argument: "tap,id=net0,fd=9", plugged: #"{"fd":"9","id":"net0","type":"tap"}"#),
        Case(
            component: .backend(
                NetworkBackend("net0", .tap([.inherited(9), .inherited(10)], vhost: [.inherited(11), .inherited(12)]))),
            argument: "tap,id=net0,fds=9:10,vhost=on,vhostfds=11:12",
            plugged: #"{"fds":"9:10","id":"net0","type":"tap","vhost":true,"vhostfds":"11:12"}"#),
        Case(
            component: .device(
                Device(
                    "virtio-net-pci", id: "nic0", at: .root(PCILayout.nic(0, of: 1)),
                    [
                        "netdev": .text("net0"), "host_mtu": .number(9000), "mq": .flag(true), "vectors": .number(6),
                        "bootindex": nil, "romfile": .text(""),
                    ])),
            argument: "virtio-net-pci,id=nic0,addr=0x8,netdev=net0,host_mtu=9000,mq=on,vectors=6,romfile=",
            plugged: #"{"addr":"0x8","driver":"virtio-net-pci","host_mtu":9000,"id":"nic0","mq":true,"netdev":"net0","#
                + #""romfile":"","vectors":6}"#),
    ]

    /// What is JSON on the command line too.
    private static func same(_ component: Component, _ text: String) -> Case {
        Case(component: component, argument: text, plugged: text)
    }
}

extension Component {
    /// What the command line says before the first comma, or which driver it names.
    fileprivate var kind: String {
        let arguments = plugged.arguments
        let kind = (arguments["driver"] ?? arguments["qom-type"] ?? arguments["type"])?.string
        return "\(words.first ?? "") \(kind ?? "")"
    }
}

extension LaunchPlan {
    /// The parts of the machine that could be plugged.
    var components: [Component] {
        arguments.flatMap(\.arguments).compactMap {
            if case .component(let component) = $0 { component } else { nil }
        }
    }
}

extension Golden {
    /// The plan for a params file under `plans`, on a modern host.
    static func plan(_ name: String) throws -> LaunchPlan {
        let parsed = VMParams.parse(Array(try read("plans/\(name).params").utf8), file: "/vms/1/vm.params")
        return try LaunchPlan(try #require(parsed.params), facts: Host.kvm.facts)
    }
}
