import BridgeNet
import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife

/// Whole plans against golden files: `Fixtures/plans/NAME.params` and `NAME.expected`, the latter rewritten with
/// `UPDATE_GOLDEN=1`.
@Suite struct LaunchPlanTests {
    @Test(arguments: [
        ("2010", StartOptions(), Host.kvm),
        ("2010-cdrom-once", StartOptions(cdrom: "/isos/a.iso"), Host.kvm),
        ("2010-cdrom-foreground", StartOptions(cdrom: "/isos/a.iso", foreground: true), Host.kvm),
        ("2010-old-host", StartOptions(cdrom: "/isos/a.iso", bootsCDROM: false), Host.old),
        ("pc", StartOptions(), Host.kvm),
        ("many", StartOptions(), Host.kvm),
        ("odd-names", StartOptions(), Host.kvm),
        ("user-net", StartOptions(), Host.rootless),
        ("disks", StartOptions(), Host.kvm),
        ("kernel", StartOptions(), Host.runAs),
        ("refused", StartOptions(), Host.old),
        ("refused-not-root", StartOptions(), Host.rootless),
        ("refused-in-use", StartOptions(), Host.busy),
        ("refused-no-access", StartOptions(), Host.rootless),
        ("assumed", StartOptions(), Host.assumed),
        ("notices", StartOptions(), Host.remarkable),
        ("private", StartOptions(), Host.kvm),
        ("nics", StartOptions(), Host.kvm),
        ("refused-nics", StartOptions(), Host.kvm),
        ("other-names", StartOptions(), Host.named),
        ("refused-clashes", StartOptions(), Host.clashing),
        ("cloud-init", StartOptions(), Host.kvm),
        ("overlays", StartOptions(), Host.kvm),
        ("refused-overlays", StartOptions(), Host.kvm),
        ("discarded", StartOptions(discardsWrites: true), Host.kvm),
        ("chains", StartOptions(), Host.kvm),
        ("refused-chains", StartOptions(), Host.kvm),
        ("warm", .warm(isMade: false), Host.kvm),
        ("warm-made", .warm(isMade: true), Host.kvm),
        ("old-guest", StartOptions(cdrom: "/isos/a.iso"), Host.kvm),
    ])
    func matchesTheGoldenPlan(_ name: String, _ options: StartOptions, _ host: Host) throws {
        let text = try Golden.read("plans/\(name).params")
        let parsed = VMParams.parse(Array(text.utf8), file: "/vms/1/vm.params")
        let params = try #require(parsed.params, "\(parsed.lines.joined(separator: "\n"))")
        let actual: String
        do throws(PlanRefusal) {
            actual = try LaunchPlan(params, options: options, facts: host.facts).goldenText
        } catch {
            actual = error.problems.map { "\($0.code) \($0)\n" }.joined()
        }
        try Golden.expect(actual, "plans/\(name).expected")
    }

    @Test func samePlanForTheSameFacts() throws {
        let params = try #require(VMParams.parse(Array("MEMORY=64\n".utf8), file: "/vms/1/vm.params").params)
        #expect(try LaunchPlan(params, facts: Host.kvm.facts) == LaunchPlan(params, facts: Host.kvm.facts))
    }

    @Test func refusesWithEveryReasonAtOnce() throws {
        let text = try Golden.read("plans/refused.params")
        let params = try #require(VMParams.parse(Array(text.utf8), file: "/vms/1/vm.params").params)
        #expect {
            try LaunchPlan(params, facts: Host.old.facts)
        } throws: { error in
            let refusal = error as? PlanRefusal
            let summary = refusal?.error(of: params.file)
            return (refusal?.problems.count ?? 0) > 10 && summary?.details.count == refusal?.problems.count
        }
    }
}

extension StartOptions {
    /// A start from a warm image, or one that makes it.
    fileprivate static func warm(isMade: Bool) -> StartOptions {
        var options = StartOptions(discardsWrites: true)
        options.warm = VMName("web-1").map { WarmStart($0, in: "/cache/web-1", isMade: isMade) }
        return options
    }
}

extension LaunchPlan {
    /// Everything that QEMU and the kernel will see, one word a line.
    fileprivate var goldenText: String {
        var lines = ["execute \(executable)", "as \(credentials)"]
        lines += newDisks.map { "new disk \($0.path) \($0.size.bytes)" }
        lines += taps.map { "tap of NET\($0.nic) \($0.name?.description ?? "-") on \($0.bridge) mtu \($0.mtu ?? 0)" }
        if let nat {
            lines += nat.stations.map { "NET\($0.nic) on nat at \($0.address?.description ?? "-")" }
            lines += nat.forwards.map { "forward \($0)" }
        }
        lines += taps.compactMap { tap in tap.vlans.map { "NET\(tap.nic) in VLAN \($0)" } }
        lines += macvtaps.map {
            "macvtap of NET\($0.nic) \($0.name?.description ?? "-") on \($0.device) mac \($0.mac) mtu \($0.mtu ?? 0)"
        }
        lines += policies.map {
            "policy of NET\($0.nic) mac \($0.mac) rate \($0.rate?.description ?? "-") filter \($0.filter?.description ?? "-")"
        }
        lines += descriptors.map { "descriptor \($0.number) \($0.role)" }
        lines += argumentVector
        lines += monitorInput.map { "monitor input \($0.line())" }
        lines += commit.map { "commit \($0.line())" }
        lines += notices.map { "notice \($0)" }
        lines += derivedValues.map { "derived \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// Hosts that the plans are made for.
enum Host: CaseIterable {
    /// Root on a modern machine.
    case kvm
    /// Root on a machine without KVM, io_uring and vhost, on file systems without direct I/O.
    case old
    /// A user.
    case rootless
    /// Root, with a RUNAS user.
    case runAs
    /// Root, on a host where what the VM needs is in use.
    case busy
    /// A user who looks at what only root can start.
    case assumed
    /// Root on a machine without an id, with a bridge that is nearly full and another VM much like this one.
    case remarkable
    /// Root, on a host where devices have other names, and the VM's MACs are known on the network.
    case named
    /// Root in a container without /dev/net/tun, and the VM's MACs are the host's.
    case clashing

    var facts: HostFacts {
        var facts = plainFacts
        facts.lowerDevices = Self.lowerDevices
        facts.processor = .works(without: [])
        facts.seedFiles = [
            "/vms/1/user-data": Array("# cloud-config\n".utf8), "/vms/1/network-config": Array("version: 2\n".utf8),
        ]
        switch self {
        case .busy: makeBusy(&facts)
        case .rootless:
            facts.images["/vms/1/vdisk8"] = .denied(denial)
            facts.images["/vms/1/vdisk9"] = image(writeFailure: .permissionDenied)
            facts.images["/vms/1/new"] = .missing(directIO: true, failure: .permissionDenied)
        case .assumed:
            facts.isAssumed = true
            for path: FilePath in ["/vms/1/vdisk0", "/vms/1/vdisk1"] { facts.images[path] = .denied(denial) }
            facts.images["/vms/1/vdisk2"] = image(writeFailure: .permissionDenied)
        case .remarkable: makeRemarkable(&facts)
        case .named: nameDevices(&facts)
        case .clashing: makeClashing(&facts)
        case .kvm, .old, .runAs: break
        }
        return facts
    }

    private var denial: ImageFacts.Denial {
        var denial = ImageFacts.Denial()
        denial.owner = "root, mode 600"
        return denial
    }

    private func image(
        writeFailure: Errno? = nil, locks: Set<ImageLock> = [], identity: FileIdentity? = nil
    ) -> ImageFacts {
        var image = ImageFacts.Image(bytes: 8 << 30, content: .raw, directIO: true)
        image.owner = "root, mode 644"
        image.writeFailure = writeFailure
        image.locks = locks
        image.identity = identity
        return .image(image)
    }

    private func makeBusy(_ facts: inout HostFacts) {
        facts.images["/vms/1/vdisk1"] = image(locks: [.refusesWriters])
        facts.images["/vms/1/vdisk2"] = image(locks: [.refusesWriters])
        facts.images["/vms/1/vdisk3"] = image(writeFailure: .readOnlyFileSystem)
        facts.ports = [
            HostPort(.tcp, "127.0.0.2", 5907): .addressInUse, HostPort(.udp, "", 2222): .addressInUse,
            HostPort(.tcp, "10.0.0.9", 2222): .addressNotAvailable,
        ]
        facts.passwordLength = 0
        if let full = InterfaceName("br0") { facts.bridges[full] = BridgeFacts(isUp: true, mtu: 1500, ports: 1023) }
        if let tap = InterfaceName("web0") { facts.interfaces[tap] = "the VM web" }
        var neighbours = [neighbour("1", isRunning: true), neighbour("web", isRunning: true)].compactMap { $0 }
        let disk = FileIdentity(device: 1, inode: 1)
        facts.images["/vms/1/vdisk0"] = image(locks: [.writes, .refusesWriters], identity: disk)
        neighbours[1].media = [.init(place: .file(disk), isWritten: true)]
        neighbours[1].ports = [HostPort(.udp, "127.0.0.1", 2222)]
        facts.otherVMs = OtherVMs(neighbours)
        facts.problems = [VMError(.unavailable, "/vms/1/vm.params:17: QEMU", "there is no program /nope")]
    }

    private func makeRemarkable(_ facts: inout HostFacts) {
        facts.machineID = ""
        if let full = InterfaceName("br1") { facts.bridges[full] = BridgeFacts(isUp: true, mtu: 1500, ports: 1000) }
        facts.otherVMs = OtherVMs([neighbour("1", isRunning: false)].compactMap { $0 })
    }

    private func nameDevices(_ facts: inout HostFacts) {
        guard let (eth9, br0) = InterfaceName("eth9").flatMap({ eth in InterfaceName("br0").map { (eth, $0) } }) else {
            return
        }
        if let long = DeviceName("enp0s20f0u1u2u3i5") { facts.names[long] = eth9 }
        if let lan = DeviceName("lan") { facts.names[lan] = br0 }
        let mac = MACAddress(bits: 0x52_54_00_00_00_01)
        facts.bridges[br0]?.holders[mac] = .other("a machine behind eth0 of br0")
    }

    private func makeClashing(_ facts: inout HostFacts) {
        nameDevices(&facts)
        facts.tun = .missing(.running)
        let macs = (1...2).map { MACAddress(bits: 0x52_54_00_00_00_00 | $0) }
        if let br0 = InterfaceName("br0") { facts.bridges[br0]?.holders[macs[0]] = .host("the bridge br0") }
        if let eth9 = InterfaceName("eth9") { facts.lowerDevices[eth9]?.holders[macs[1]] = .host("the device eth9") }
    }

    private func neighbour(_ name: String, isRunning: Bool) -> OtherVM? {
        VMName(name).map {
            OtherVM(
                name: $0, file: FilePath("/vms/other/\(name).params"), isRunning: isRunning,
                addresses: [.init(network: "bridge:br1", mac: "52:54:00:00:00:ff")])
        }
    }

    private var plainFacts: HostFacts {
        let modern = self != .old
        return HostFacts(
            isRoot: self != .rootless, machineID: "0123456789abcdef0123456789abcdef",
            qemu: QEMUFacts(
                path: "/usr/bin/qemu-system-x86_64", version: "7.2.0", ioUring: true,
                machines: [
                    "q35": MachineType(versionedName: "pc-q35-7.2", maximumCPUs: 288),
                    "pc-q35-7.2": MachineType(maximumCPUs: 288),
                    "pc": MachineType(versionedName: "pc-i440fx-7.2", maximumCPUs: 255),
                    "pc-i440fx-7.2": MachineType(maximumCPUs: 255),
                    "pc-i440fx-1.4": MachineType(maximumCPUs: 240, isDeprecated: true),
                ],
                keymaps: ["de", "en-us", "fr"]),
            kvm: modern ? .works : .unusable(.absent), ioUring: modern, vhostNet: modern,
            credentials: credentials, images: images(direct: modern),
            memoryLimit: modern ? nil : ByteCount(bytes: 8 << 30), bridges: Self.bridges,
            ports: modern
                ? [:]
                : [
                    HostPort(.tcp, "127.0.0.1", 5907): .addressInUse, HostPort(.tcp, "127.0.0.1", 2222): .addressInUse,
                ],
            nat: Self.nat)
    }

    private var credentials: Credentials {
        switch self {
        case .kvm, .old, .busy, .assumed, .remarkable, .named, .clashing: .ownUID(groups: [104])
        case .rootless: .caller
        case .runAs: .user("qemu", uid: 64055, gid: 108, groups: [104])
        }
    }

    private func images(direct: Bool) -> [FilePath: ImageFacts] {
        func raw(_ bytes: Int64 = 8 << 30) -> ImageFacts {
            .image(.init(bytes: bytes, content: .raw, directIO: direct))
        }
        func qcow2(outside: String?) -> ImageFacts {
            .image(.init(bytes: 197_120, content: .qcow2(outside: outside), directIO: direct))
        }
        func blockDevice(_ bytes: Int64, _ content: ImageContent = .raw) -> ImageFacts {
            var image = ImageFacts.Image(bytes: bytes, content: content, directIO: true)
            image.isBlockDevice = true
            return .image(image)
        }
        var images: [FilePath: ImageFacts] = [
            "/vms/1/a,b=c \"d\" {e}.img": raw(), "/vms/1/it's ünï çode.img": raw(), "/isos/x y,z.iso": raw(1 << 20),
            "/isos/a.iso": raw(1 << 20), "/isos/b.iso": raw(1 << 20), "/isos/empty.iso": raw(0),
            "/vms/1/image.qcow2": qcow2(outside: nil), "/vms/1/backed.qcow2": qcow2(outside: "/etc/shadow"),
            "/dev/vg/lv": blockDevice(1 << 30),
            "/dev/vg/forged": blockDevice(1 << 30, .qcow2(outside: nil)),
            "/dev/vg/forged2": blockDevice(1 << 30, .qcow2(outside: "/etc/shadow")),
            "/vms/1/new": .missing(directIO: true),
            "/vms/1/user-data": raw(14), "/vms/1/network-config": raw(11),
            "/vms/1/vnc.password": raw(9), "/boot/vmlinuz": raw(9_000_001), "/boot/initrd.img": raw(30_000_001),
            "/boot/missing": .missing(directIO: true),
            "/vms/1/missing": .missing(directIO: true), "/nowhere/disk": .directoryMissing,
            "/vms/1/odd-size": raw(1_000_001), "/vms/1/directory": .unusable(.directory),
            "/vms/1/no-direct": raw(), "/isos/missing.iso": .missing(directIO: true),
        ]
        for index in 0..<10 { images[FilePath("/vms/1/vdisk\(index)")] = raw() }
        return images.merging(overlays(direct: direct)) { one, _ in one }
    }

    /// Overlays, what they stand on, and what is none.
    private func overlays(direct: Bool) -> [FilePath: ImageFacts] {
        func image(_ content: ImageContent, hasDataFile: Bool = false, isChanged: Bool = false) -> ImageFacts {
            var image = ImageFacts.Image(bytes: 197_120, content: content, directIO: direct)
            if content != .raw { image.qcow2 = QCOW2Condition(diskBytes: 8 << 30) }
            image.qcow2?.hasDataFile = hasDataFile
            image.isChangedSinceSummed = isChanged
            return .image(image)
        }
        let images: [FilePath: ImageFacts] = [
            "/vms/1/overlay.qcow2": image(.qcow2(outside: "/vms/1/base.qcow2")),
            "/vms/1/overlay2.qcow2": image(.qcow2(outside: "elsewhere.raw")),
            "/vms/1/datafile.qcow2": image(.qcow2(outside: "base.raw"), hasDataFile: true),
            "/vms/1/base.qcow2": image(.qcow2(outside: nil)), "/vms/1/base.raw": image(.raw),
            "/vms/1/changed.raw": image(.raw, isChanged: true),
            "/vms/1/top.qcow2": image(.qcow2(outside: "/vms/t/vdisk0")),
            "/vms/t/vdisk0": image(.qcow2(outside: "/images/debian.qcow2")),
            "/images/debian.qcow2": image(.qcow2(outside: nil)),
            "/vms/1/loop.qcow2": image(.qcow2(outside: "/vms/1/loop2.qcow2")),
            "/vms/1/loop2.qcow2": image(.qcow2(outside: "/vms/1/loop.qcow2")),
        ]
        return images.merging(links(direct: direct)) { one, _ in one }
    }

    /// Two names of one image.
    private func links(direct: Bool) -> [FilePath: ImageFacts] {
        var image = ImageFacts.Image(bytes: 197_120, content: .qcow2(outside: "/vms/1/name2"), directIO: direct)
        image.qcow2 = QCOW2Condition(diskBytes: 8 << 30)
        image.identity = FileIdentity(device: 1, inode: 77)
        return ["/vms/1/name1": .image(image), "/vms/1/name2": .image(image)]
    }

    private static let nat = IPPrefix("10.213.0.1/24").map { NATFacts(prefix: $0, isForwarding: false) }

    private static let lowerDevices: [InterfaceName: LowerDeviceFacts] = {
        let found: [(String, LowerDeviceFacts)] = [
            ("eth9", LowerDeviceFacts(isUp: true, mtu: 9000)), ("eth8", LowerDeviceFacts(isUp: false, mtu: 1500)),
            ("eth7", LowerDeviceFacts(isUp: true, mtu: 1500, controller: InterfaceName("br1"), isBridgePort: true)),
            ("eth6", LowerDeviceFacts(isUp: true, mtu: 1500, controller: InterfaceName("bond0"))),
            ("lo", LowerDeviceFacts(isEthernet: false, isUp: true, mtu: 65535)),
        ]
        return found.reduce(into: [:]) { devices, entry in
            if let name = InterfaceName(entry.0) { devices[name] = entry.1 }
        }
    }()

    private static let bridges: [InterfaceName: BridgeFacts] = {
        let found: [(String, BridgeFacts)] = [
            ("br0", BridgeFacts(isUp: true, mtu: 1500)), ("br1", BridgeFacts(isUp: true, mtu: 1500)),
            ("kvmnat0", BridgeFacts(isUp: true, mtu: 1450)), ("kvm-lab", BridgeFacts(isUp: true, mtu: 1500)),
            ("br9000", BridgeFacts(isUp: true, mtu: 9000)), ("brdown", BridgeFacts(isUp: false, mtu: 1500)),
            ("brvlan", BridgeFacts(isUp: true, mtu: 1500, isVLANAware: true)),
            ("eth0", BridgeFacts(otherKind: "veth", isUp: true, mtu: 1500)),
        ]
        return found.reduce(into: [:]) { bridges, entry in
            if let name = InterfaceName(entry.0) { bridges[name] = entry.1 }
        }
    }()
}
