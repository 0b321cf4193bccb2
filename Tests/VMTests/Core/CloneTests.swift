import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore

/// The plan of `clone`.
@Suite struct CloneTests {
    private static let file: FilePath = "/vms/a/vm.params"
    private static let text = """
        # by hand
        NAME=a # the first
        UUID=8d0a5f0e-1f5a-4d3c-9a55-5f6a1cf0a001
        MAC=52:54:00:00:00:01
        DISK0=/vms/a/vdisk0
        DISK1=../data/big.qcow2
        DISK1_FORMAT=qcow2
        DISK1_BACKING=base.qcow2
        DISK2=tools.img
        DISK2_READONLY=yes
        DISK3=new
        DISK3_SIZE=2G
        CDROM0=install.iso
        PROTECT=yes
        AUTOSTART=yes
        TAGS=lab
        DESCRIPTION=first
        VNCDISP=3
        NET0=user
        FORWARD0=tcp::2222:22
        CLOUDINIT_HOSTNAME=a
        """ + "\n"

    private func plan(
        _ settings: [String] = [], at file: FilePath = "/vms/b/vm.params", _ change: (inout ModelVM) -> Void = { _ in }
    ) throws -> NewVMPlan {
        let params = try #require(VMParams.parse(Array(Self.text.utf8), file: Self.file).params)
        let size = ByteCount(bytes: 1 << 30)
        var model = ModelVM(
            Self.file, Self.text, params, sizes: [0: .success(size), 1: .success(size), 3: .success(size + size)])
        model.isCloned = true
        for disk in params.disks where disk.index < 2 {
            model.images[disk.index] = .success(
                NewVM.Image(
                    path: disk.path.value, format: disk.format?.value ?? .raw, isBase: false,
                    below: disk.backing.map(\.value)))
        }
        change(&model)
        var vm = NewVM()
        vm.settings = settings
        let choices = NewVMPlan.Choices(
            uuid: UUID(Array(0...15)), machine: "pc-q35-7.2", defaults: NewVM.Defaults(isRoot: true))
        return try NewVMPlan(vm, at: file, like: model, choices) { _ in [] }
    }

    @Test func keepsItsLinesAndGetsAnIdentity() throws {
        let plan = try plan()
        let lines = plan.text.split(separator: "\n").map(String.init)
        #expect(lines.prefix(2) == ["# by hand", "NAME=b # the first"])
        let values = GivenKeys(in: plan.text).values
        #expect(values[KeyName(.uuid)] == "00010203-0405-0607-0809-0a0b0c0d0e0f")
        #expect(plan.params.nics.compactMap(\.mac?.value) == [Identity.mac(uuid: UUID(Array(0...15)), nic: 0)])
        #expect(values[KeyName(.tags)] == "lab" && values[KeyName(.description)] == "first")
        #expect(values[KeyName(.vncDisplay)] == "auto" && values[KeyName(.cloudInitHostname)] == "b")
        for key in [ParamsKey.protect, .autostart] { #expect(values[KeyName(key)] == nil) }
        #expect(values[KeyName(.forward, 0)] == nil)
        #expect(plan.notices.contains { $0.hasPrefix("not copied: PROTECT, AUTOSTART of /vms/a/vm.params") })
        #expect(!plan.notices.contains { $0.contains("DESCRIPTION") || $0.contains("template") })
    }

    @Test func disksAreCopiesAsTheyAre() throws {
        let plan = try plan()
        #expect(plan.disks.map(\.path) == ["/vms/b/vdisk0", "/vms/b/vdisk1", "/vms/b/vdisk3"])
        #expect(plan.disks.map(\.format) == [.raw, .qcow2, .raw])
        let sources = plan.disks.map { $0.image?.path.lexicallyNormalized() }
        #expect(sources == ["/vms/a/vdisk0", "/vms/data/big.qcow2", nil])
        #expect(plan.disks.allSatisfy { $0.image?.isBase != true })
        let values = GivenKeys(in: plan.text).values
        #expect(values[KeyName(.diskBacking, 1)] == "/vms/a/base.qcow2")
        #expect(values[KeyName(.disk, 2)] == "/vms/a/tools.img" && values[KeyName(.cdrom, 0)] == "/vms/a/install.iso")
        #expect(plan.notices.contains { $0.hasPrefix("DISK3 of /vms/a/vm.params: not there yet") })
    }

    @Test func whatCannotBeCopiedIsLeftOutOrReplaced() throws {
        let busy = VMError(.busy, "DISK1", "is a block device")
        let device: (inout ModelVM) -> Void = { $0.images[1] = .failure(busy) }
        #expect(throws: busy) { try plan([], device) }
        #expect(try plan(["DISK1="], device).params.disks.map(\.index) == [0, 2, 3])
        let other = try plan(["DISK1=/dev/sdx", "DISK1_FORMAT=raw"], device)
        #expect(other.params.disks[1].path.value == "/dev/sdx" && other.params.disks[1].backing.isEmpty)
        #expect(!other.disks.contains { $0.path == "/dev/sdx" })
    }

    @Test func itIsToldWhatItGetsAllTheSame() throws {
        let values = GivenKeys(in: try plan(["PROTECT=yes", "DESCRIPTION=second"]).text).values
        #expect(values[KeyName(.protect)] == "yes" && values[KeyName(.description)] == "second")
        let elsewhere = try plan(at: "/srv/x/vm.params")
        #expect(elsewhere.params.name.value.description == "x")
    }
}
