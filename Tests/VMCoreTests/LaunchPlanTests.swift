import BridgeNet
import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore

/// Whole plans against golden files: `Fixtures/plans/NAME.params` and `NAME.expected`, the latter written anew with
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

extension LaunchPlan {
    /// Everything that QEMU and the kernel will see, a word a line.
    fileprivate var goldenText: String {
        var lines = ["execute \(executable)", "as \(credentials)"]
        lines += newDisks.map { "new disk \($0.path) \($0.size.bytes)" }
        lines += taps.map { "tap of NET\($0.nic) \($0.name?.description ?? "-") on \($0.bridge) mtu \($0.mtu ?? 0)" }
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

    var facts: HostFacts {
        let modern = self != .old
        return HostFacts(
            isRoot: self != .rootless, machineID: "0123456789abcdef0123456789abcdef",
            qemu: QEMUFacts(
                path: "/usr/bin/qemu-system-x86_64", version: "7.2.0", ioUring: true,
                machines: ["q35": "pc-q35-7.2", "pc-q35-7.2": nil, "pc": "pc-i440fx-7.2", "pc-i440fx-7.2": nil]),
            kvm: modern ? .works : .unusable("this host has no /dev/kvm"), ioUring: modern, vhostNet: modern,
            credentials: credentials, images: images(direct: modern), bridges: Self.bridges,
            takenPorts: modern ? [] : [5907, 2222])
    }

    private var credentials: Credentials {
        switch self {
        case .kvm, .old: .ownUID(groups: [104])
        case .rootless: .caller
        case .runAs: .user("qemu", uid: 64055, gid: 108, groups: [104])
        }
    }

    private func images(direct: Bool) -> [FilePath: ImageFacts] {
        func raw(_ bytes: Int64 = 8 << 30) -> ImageFacts {
            .file(.init(bytes: bytes, content: .raw, directIO: direct))
        }
        func qcow2(outside: String?) -> ImageFacts {
            .file(.init(bytes: 197_120, content: .qcow2(outside: outside), directIO: direct))
        }
        var images: [FilePath: ImageFacts] = [
            "/vms/1/a,b=c \"d\" {e}.img": raw(), "/vms/1/it's ünï çode.img": raw(), "/isos/x y,z.iso": raw(1 << 20),
            "/isos/a.iso": raw(1 << 20), "/isos/b.iso": raw(1 << 20), "/isos/empty.iso": raw(0),
            "/vms/1/image.qcow2": qcow2(outside: nil), "/vms/1/backed.qcow2": qcow2(outside: "/etc/shadow"),
            "/dev/vg/lv": .blockDevice(bytes: 1 << 30), "/vms/1/new": .missing(directIO: true),
            "/boot/vmlinuz": raw(9_000_001), "/boot/initrd.img": raw(30_000_001),
            "/boot/missing": .missing(directIO: true),
            "/vms/1/missing": .missing(directIO: true), "/nowhere/disk": .directoryMissing,
            "/vms/1/odd-size": raw(1_000_001), "/vms/1/directory": .unusable("is a directory"),
            "/vms/1/no-direct": raw(), "/isos/missing.iso": .missing(directIO: true),
        ]
        for index in 0..<10 { images[FilePath("/vms/1/vdisk\(index)")] = raw() }
        return images
    }

    private static let bridges: [InterfaceName: BridgeFacts] = {
        let found: [(String, BridgeFacts)] = [
            ("br0", BridgeFacts(isUp: true, mtu: 1500)), ("br1", BridgeFacts(isUp: true, mtu: 1500)),
            ("br9000", BridgeFacts(isUp: true, mtu: 9000)), ("brdown", BridgeFacts(isUp: false, mtu: 1500)),
            ("eth0", BridgeFacts(otherKind: "veth", isUp: true, mtu: 1500)),
        ]
        return found.reduce(into: [:]) { bridges, entry in
            if let name = InterfaceName(entry.0) { bridges[name] = entry.1 }
        }
    }()
}
