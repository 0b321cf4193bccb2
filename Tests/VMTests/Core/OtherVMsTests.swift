import BridgeNet
import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore

@Suite struct NeighbourhoodTests {
    private let text = """
        NET0=bridge:br0
        NET0_TAP=mine
        MAC=52:54:00:00:00:01
        VNCDISP=7
        MEMORY=1G
        DISK0=/vms/1/vdisk0
        DISK1=/vms/1/vdisk1
        DISK1_READONLY=yes
        CDROM0=/isos/a.iso
        """

    private let files = ["/vms/1/vdisk0", "/vms/1/vdisk1", "/isos/a.iso", "/vms/1/vm.params"].map { FilePath($0) }

    private func identity(_ file: FilePath) -> FileIdentity {
        FileIdentity(device: 1, inode: UInt64(files.firstIndex(of: file) ?? 99))
    }

    private func place(_ file: FilePath) -> FilePlace { .file(identity(file)) }

    private func other(_ name: String, isRunning: Bool = false) throws -> OtherVM {
        let name = try #require(VMName(name))
        return OtherVM(name: name, file: FilePath("/vms/\(name)/vm.params"), isRunning: isRunning)
    }

    /// The notices about them.
    private func notices(_ otherVMs: [OtherVM], ram: Int64? = nil) throws -> [String] {
        let params = try #require(VMParams.parse(Array(text.utf8), file: "/vms/1/vm.params").params)
        var facts = Host.kvm.facts
        for file in files {
            guard case .image(var image)? = facts.images[file] else { continue }
            image.identity = identity(file)
            facts.images[file] = .image(image)
        }
        facts.ownFile = place("/vms/1/vm.params")
        let alone = try LaunchPlan(params, facts: facts).notices
        facts.otherVMs = OtherVMs(otherVMs)
        facts.hostMemory = ram.map { ByteCount(bytes: $0) }
        return try LaunchPlan(params, facts: facts).notices.filter { !alone.contains($0) }
    }

    @Test func everythingThatOneHasAloneIsFound() throws {
        var other = try other("b")
        other.addresses = [.init(network: "macvtap:br0", mac: "52:54:00:00:00:01")]
        other.interfaces = [try #require(InterfaceName("mine"))]
        other.ports = [HostPort(.tcp, "0.0.0.0", 5907)]
        other.media = [.init(place: place("/vms/1/vdisk0"), isWritten: false)]
        let notices = try notices([other])
        for words in [
            "the MAC 52:54:00:00:00:01 on bridge:br0", "the interface mine", "VNC's port 5907 on 127.0.0.1",
            "/vms/1/vdisk0",
        ] {
            #expect(
                notices.contains(
                    "\(words) is also used by the VM b (/vms/b/vm.params): only one of them can run at a time"))
        }
        #expect(notices.count == 4)
    }

    @Test func whatCanBeSharedIsNoClash() throws {
        var other = try other("b")
        other.addresses = [.init(network: "bridge:br1", mac: "52:54:00:00:00:01")]
        other.ports = [HostPort(.tcp, "127.0.0.2", 5907), HostPort(.udp, "127.0.0.1", 5907)]
        other.media = [
            .init(place: place("/vms/1/vdisk1"), isWritten: false),
            .init(place: place("/isos/a.iso"), isWritten: false),
        ]
        #expect(try notices([other]).isEmpty)
        other.media[1].isWritten = true
        #expect(try notices([other]).map { $0.prefix(11) } == ["/isos/a.iso"])
    }

    @Test func itIsNoNeighbourOfItsOwn() throws {
        var itself = try other("1")
        itself.ports = [HostPort(.tcp, "127.0.0.1", 5907)]
        #expect(try notices([itself]).isEmpty)
        // Nor by another path.
        itself.file = "/elsewhere/vm.params"
        itself.filePlace = place("/vms/1/vm.params")
        #expect(try notices([itself]).isEmpty)
    }

    @Test func aThousandAreNotNamed() throws {
        let many = try (0..<1000).map { number in
            var other = try other("vm\(number)")
            other.ports = [HostPort(.tcp, "127.0.0.1", 5907)]
            return other
        }
        #expect(try notices(Array(many.prefix(3))).first?.contains("(/vms/vm0/vm.params) and 2 more:") == true)
        #expect(try notices(many).first?.contains("(/vms/vm0/vm.params) and many more:") == true)
        #expect(try notices(many).count == 1)
    }

    @Test func oneThatRunsKeepsItFromStarting() throws {
        var other = try other("1", isRunning: true)
        other.file = "/elsewhere/vm.params"
        other.addresses = [.init(network: "bridge:br0", mac: "52:54:00:00:00:01")]
        #expect {
            try notices([other])
        } throws: { error in
            (error as? PlanRefusal)?.problems.map(\.code) == [.busy, .busy]
        }
    }

    @Test func memoryIsAddedUp() throws {
        let gibibyte: Int64 = 1 << 30
        let others = try ["b", "c"].map { name in
            var other = try other(name, isRunning: name == "b")
            other.memory = ByteCount(bytes: 2 * gibibyte)
            return other
        }
        #expect(try notices(others, ram: 5 * gibibyte).isEmpty)
        #expect(try notices(others, ram: 4 * gibibyte).first?.hasPrefix("all VMs together have 5 GiB") == true)
        #expect(
            try notices(others, ram: 2 * gibibyte).first?.hasPrefix("this VM and the running ones have 3 GiB") == true)
        // If it was read with the others, it counts once.
        var itself = try other("1")
        itself.filePlace = place("/vms/1/vm.params")
        itself.memory = ByteCount(bytes: gibibyte)
        #expect(try notices(others + [itself], ram: 5 * gibibyte).isEmpty)
    }
}
