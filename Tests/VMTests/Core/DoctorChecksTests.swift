import BridgeNet
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife

/// The doctor's findings on hosts that a test can't set up, or not cheaply.
@Suite struct DoctorChecksTests {
    private let healthy: DoctorFacts = {
        let qemu = QEMUFacts(path: "/usr/bin/qemu", version: "7.2", ioUring: true, machines: [:])
        let memory = MemoryCondition(total: .gibi(16), available: .gibi(8), idleHugePages: .gibi(0), promisable: nil)
        let host = HostCondition(
            kvm: .works, kvmDevice: .usable, kvmModule: "kvm_intel", qemu: .success(qemu), tun: .usable,
            vhostNet: .usable, ioUring: true, machineID: "0123456789abcdef0123456789abcdef", user: "root",
            hasLookers: true, memory: memory)
        return DoctorFacts(isRoot: true, host: host, filters: FilterCondition(firewall: Firewall()))
    }()

    private func finding(_ change: (inout DoctorFacts) -> Void) throws -> Finding {
        var facts = healthy
        change(&facts)
        let bad = facts.findings.filter { $0.severity != .ok }
        try #require(bad.count == 1, "\(bad)")
        return bad[0]
    }

    private func bridge(
        _ change: (inout BridgeCondition) -> Void, and more: (inout DoctorFacts) -> Void = { _ in }
    ) throws -> Finding {
        var bridge = BridgeCondition(name: "br0", isUp: true, mtu: 1500)
        bridge.ports = [PortCondition(name: "eth0", isTap: false, mtu: 1500)]
        change(&bridge)
        return try finding {
            $0.bridges = [bridge]
            more(&$0)
        }
    }

    private func place(_ system: PlaceCondition.FileSystem) throws -> Finding {
        try finding {
            $0.places = [
                PlaceCondition([.machines], path: "/vms", isMadeByItself: false, isThere: true, system: system)
            ]
        }
    }

    @Test func aHealthyHostHasNothing() {
        #expect(healthy.findings.allSatisfy { $0.severity == .ok && $0.fix == nil })
        #expect(!healthy.findings.isEmpty)
    }

    @Test(
        arguments: [
            (.missing(.none), "kvm_amd", true, .command("modprobe kvm_amd")),
            (
                .missing(.none), nil, true,
                .step("switch on virtualization (VT-x, AMD-V) in the firmware's setup; in a VM, nest it on its host")
            ),
            (
                .refused(.permissionDenied), "kvm_amd", true,
                .command(
                    ("groupadd --force --system kvm" as ShellCommand).and("chgrp kvm /dev/kvm").and(
                        "chmod 660 /dev/kvm"))
            ),
            (.refused(.permissionDenied), "kvm_amd", false, .step("`sudo usermod -aG kvm root`, then log in again")),
        ] as [(DeviceCondition, String?, Bool, Finding.Fix)])
    func kvm(_ device: DeviceCondition, _ module: String?, _ isRoot: Bool, _ fix: Finding.Fix) throws {
        let found = try finding {
            $0.isRoot = isRoot
            $0.host.kvm = .unusable(.stuck)
            $0.host.kvmDevice = device
            $0.host.kvmModule = module
        }
        #expect(found.severity == .warning)
        #expect(found.fix == fix)
    }

    @Test func whatOneCommandMendsIsSaidOnce() throws {
        let down = VMError(.unavailable, "", "the bridge br0 is down", remedy: .run("bring it up", "kvmctl net up br0"))
        let found = try bridge {
            $0.isUp = false
        } and: {
            $0.machines = ["a", "b"].map { MachineCondition(name: $0, file: "/vms/x", obstacles: [down]) }
        }
        #expect(found == .problem("br0", "is down: no VM on it can start", fix: .command("kvmctl net up br0")))
    }

    @Test func aMissingQEMUIsSaidOnce() throws {
        let missing = VMError(
            .unavailable, "", "there is no QEMU", remedy: .run("install QEMU", "apt-get install qemu"))
        let found = try finding {
            $0.host.qemu = .failure(missing)
            $0.machines = [MachineCondition(name: "a", file: "/vms/a/vm.params", obstacles: [missing])]
        }
        #expect(found == .problem("QEMU", "there is no QEMU", fix: .command("apt-get install qemu")))
    }

    @Test func devices() throws {
        #expect(try finding { $0.host.tun = .missing(.loadable) }.fix == .command("modprobe tun"))
        #expect(try finding { $0.host.tun = .refused(.notPermitted) }.severity == .problem)
        let vhost = try finding { $0.host.vhostNet = .missing(.loadable) }
        #expect(vhost.severity == .warning)
        #expect(vhost.fix == .command("modprobe vhost_net"))
    }

    @Test func usersWhereVMsHaveTheirs() throws {
        let found = try finding { $0.host.strangers = ["eve"] }
        #expect(found.severity == .problem)
        #expect(found.text.contains("eve"))
    }

    @Test func uidsThatAContainerDoesNotHave() throws {
        let found = try finding { $0.host.uids = IDMap(parsing: "0 100000 65536") }
        #expect((found.severity, found.subject) == (.warning, "users"))
        #expect(found.text.contains("but 0 to 65535: no VM can start without RUNAS"))
    }

    @Test func memory() throws {
        func wanting(_ size: ByteCount, promisable: ByteCount? = nil, isRunning: Bool = false) -> DoctorFacts {
            var facts = healthy
            facts.host.memory?.promisable = promisable
            facts.machines = [
                MachineCondition(name: "big", file: "/vms/big/vm.params", isRunning: isRunning, memory: size)
            ]
            return facts
        }
        let worst = { (facts: DoctorFacts) in facts.findings.first { $0.subject == "big" } }
        #expect(worst(wanting(.gibi(9)))?.severity == .warning)
        #expect(worst(wanting(.gibi(9), isRunning: true)) == nil)
        #expect(worst(wanting(.gibi(7))) == nil)
        #expect(worst(wanting(.gibi(7), promisable: .gibi(6)))?.fix == .command("sysctl -w vm.overcommit_memory=0"))
        #expect(
            try finding { $0.host.memory?.idleHugePages = .gibi(4) }.text.contains("4 GiB is reserved for huge pages"))
        let unread = try finding { $0.host.memory = nil }
        #expect(unread.severity == .warning && unread.subject == "memory")
    }

    @Test func space() throws {
        var system = PlaceCondition.FileSystem(size: .gibi(10), free: .gibi(5), freeFiles: 1000)
        system.growth = .gibi(6)
        #expect(try place(system).severity == .warning)
        system.free = ByteCount(bytes: 4096)
        #expect(try place(system).severity == .problem)
        system.memoryMount = "/vms"
        #expect(try place(system).fix == .command("mount -o remount,size=\(20 << 30 + 1 << 20) /vms"))
    }

    @Test(arguments: [false, true])
    func untaggedFramesWithoutAVLAN(_ hasVLANs: Bool) throws {
        let mac = try #require(MACAddress("52:54:00:00:00:01"))
        var bridge = BridgeCondition(name: "br0", isUp: true, mtu: 1500, filtersVLANs: true)
        bridge.ports = [
            PortCondition(name: "eth0", isTap: false, mtu: 1500, hasUntaggedVLAN: false),
            PortCondition(name: "tap0", isTap: true, alias: "a", mtu: 1500, hasUntaggedVLAN: false),
        ]
        var facts = healthy
        facts.bridges = [bridge]
        facts.machines = [
            MachineCondition(
                name: "a", file: "/vms/a/vm.params",
                nics: [.init(index: 0, network: "bridge:br0", mac: mac, macLine: 1, hasVLANs: hasVLANs)])
        ]
        let mends = facts.findings.compactMap(\.fix)
        #expect(mends == (hasVLANs ? [] : [.command("bridge vlan add dev tap0 vid 1 pvid untagged")]))
    }

    @Test func room() throws {
        func full(_ count: Int) -> [PortCondition] {
            [PortCondition(name: "eth0", isTap: false, mtu: 1500)]
                + (1..<count).map { PortCondition(name: "tap\($0)", isTap: true, mtu: 1500) }
        }
        #expect(try bridge { $0.ports = full(1023) }.severity == .problem)
        #expect(try bridge { $0.ports = full(950) }.severity == .warning)
    }

    @Test func whoElseConfiguresTheUplink() throws {
        #expect(
            try bridge { $0.ports[0].manager = .networkManager }.fix == .command("nmcli device set eth0 managed no"))
        let found = try bridge { $0.ports[0].manager = .networkd(file: "/etc/systemd/network/lan.network") }
        #expect(found.text.contains("/etc/systemd/network/lan.network"))
    }

    @Test func noUplinkAndNoneToTake() throws {
        // Many bridges have none on purpose.
        func text(_ change: (inout BridgeCondition) -> Void) throws -> String {
            var facts = healthy
            var bridge = BridgeCondition(name: "br0", isUp: true, mtu: 1500)
            change(&bridge)
            facts.bridges = [bridge]
            #expect(facts.findings.allSatisfy { $0.severity == .ok })
            return try #require(facts.findings.first { $0.subject == "br0" }).text
        }
        #expect(try text { _ in }.contains("VMs on it reach only each other"))
        #expect(try text { $0.addresses = ["10.0.0.1/24"] }.contains("what this host routes"))
        #expect(try text { $0.candidates = ["eth0"] }.contains("`kvmctl net up br0 --uplink eth0`"))
        #expect(try bridge { $0.ports[0].hasCarrier = false }.text.contains("no carrier"))
    }

    @Test(arguments: [
        (
            Bool?.some(false), "so it has the lowest of its ports'",
            Finding.Fix.command("ip link set dev br0 address 52:54:00:00:00:01")
        ),
        (Bool?.none, "can't tell whether", .step("look as root: `sudo kvmctl doctor`")),
    ])
    func aBridgeThatNobodyGaveAMAC(_ keepsMAC: Bool?, _ words: String, _ fix: Finding.Fix) throws {
        let mac = try #require(MACAddress("52:54:00:00:00:01"))
        let found = try finding {
            var bridge = BridgeCondition(name: "br0", isUp: true, mtu: 1500, mac: mac, keepsMAC: keepsMAC)
            bridge.ports = [PortCondition(name: "eth0", isTap: false, mtu: 1500)]
            $0.bridges = [bridge]
        }
        #expect(found.severity == .warning && found.text.contains(words) && found.fix == fix)
    }

    @Test(arguments: [
        (
            DeviceCondition.missing(.running), "is missing, although its driver is loaded",
            "mknod -m 666 /dev/net/tun c 10 200"
        ),
        (.missing(.loadable), "is missing", "modprobe tun"), (.missing(.none), "was not found", "modprobe tun"),
        (.refused(.permissionDenied), "can't be opened", "allow access"),
        (.another, "is not the device that belongs there", "10:200"),
    ])
    func taps(_ device: DeviceCondition, _ words: String, _ fix: String) throws {
        let found = try finding { $0.host.tun = device }
        #expect(
            found.subject == "/dev/net/tun" && found.text.contains(words) && found.text.contains("no VM can have a tap")
        )
        #expect("\(found.fix.map { "\($0)" } ?? "")".contains(fix))
    }

    @Test func theHostsOwnMAC() throws {
        let mac = try #require(MACAddress("52:54:00:00:00:01"))
        let machine = MachineCondition(
            name: "a", file: "/vms/a/vm.params", nics: [.init(index: 0, network: "bridge:br0", mac: mac, macLine: nil)])
        let found = try finding {
            var bridge = BridgeCondition(name: "br0", isUp: true, mtu: 1500, mac: mac)
            bridge.ports = [PortCondition(name: "eth0", isTap: false, mtu: 1500)]
            $0.bridges = [bridge]
            $0.machines = [machine]
        }
        #expect(found.text.contains("the bridge br0 has too"))
        guard case .command(let line) = found.fix else {
            Issue.record("no command")
            return
        }
        #expect(line.description.hasPrefix("printf '\\nNET0_MAC=52:54:00:"))
    }

    @Test(
        arguments: [
            (.run("make it", "kvmctl net up br0"), .command("kvmctl net up br0")),
            (.run("create it", "mkdir -p /x", or: "mount what should hold it"), .command("mkdir -p /x")),
            // A command within advice stays text.
            ("make it: `reboot`", .step("make it: `reboot`")), ("write less", .step("write less")),
        ] as [(Remedy, Finding.Fix)])
    func remedies(_ remedy: Remedy, _ fix: Finding.Fix) {
        #expect(Finding.Fix(remedy) == fix)
    }
}

extension ByteCount {
    fileprivate static func gibi(_ number: Int64) -> ByteCount { ByteCount(bytes: number << 30) }
}
