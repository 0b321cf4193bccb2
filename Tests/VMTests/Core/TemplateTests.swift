import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore

/// The plan of `create --from` of a template, and of a VM whose disk is an overlay.
@Suite struct TemplateTests {
    private let uuid = UUID(Array(0...15))

    private func plan(
        _ model: ModelVM, _ settings: [String] = [], at file: FilePath = "/vms/new/vm.params", uuid: UUID? = nil,
        _ change: (inout NewVM) -> Void = { _ in }
    ) throws(VMError) -> NewVMPlan {
        var vm = NewVM()
        vm.settings = settings
        change(&vm)
        let choices = NewVMPlan.Choices(
            uuid: uuid ?? self.uuid, machine: "pc-q35-7.2", defaults: NewVM.Defaults(isRoot: true))
        return try NewVMPlan(vm, at: file, like: model, choices) { _ in [] }
    }

    private func values(_ plan: NewVMPlan) -> [String: String] {
        Dictionary(uniqueKeysWithValues: GivenKeys(in: plan.text).values.map { ("\($0.key)", $0.value) })
    }

    private static let template = """
        TEMPLATE=yes
        DISK0=vdisk0
        DISK0_FORMAT=qcow2
        DISK0_BACKING=/images/debian.qcow2
        DISK1=data.raw
        DISK1_SIZE=1G
        DISK2=tools.img
        DISK2_READONLY=yes
        NET0=user
        CLOUDINIT_USERDATA=user-data
        CLOUDINIT_NETWORK=/srv/net
        CLOUDINIT_HOSTNAME=golden
        FORWARD0=tcp::2222:22
        """ + "\n"

    private func model(_ text: String = template, copying: Bool = false) throws -> ModelVM {
        let file: FilePath = "/vms/t/vm.params"
        let params = try #require(VMParams.parse(Array(text.utf8), file: file).params)
        let gigabyte = ByteCount(bytes: 1 << 30)
        var model = ModelVM(file, text, params, sizes: [0: .success(gigabyte), 1: .success(gigabyte)])
        for disk in params.disks where !disk.readOnly.value {
            let image = NewVM.Image(
                path: disk.path.value, format: disk.format?.value ?? .raw, isBase: !copying,
                below: disk.backing.map(\.value))
            model.images[disk.index] = .success(image)
        }
        model.files[KeyName(.cloudInitUserData)] = .success(Array("#cloud-config\n".utf8))
        return model
    }

    @Test func disksAreOverlaysOfItsDisks() throws {
        let plan = try plan(model())
        let values = values(plan)
        #expect(values["TEMPLATE"] == nil && values["FORWARD0"] == nil)
        #expect(values["DISK0"] == "vdisk0" && values["DISK0_FORMAT"] == "qcow2")
        #expect(values["DISK0_BACKING"] == "/vms/t/vdisk0:/images/debian.qcow2")
        #expect(values["DISK1"] == "vdisk1" && values["DISK1_FORMAT"] == "qcow2" && values["DISK1_SIZE"] == "1G")
        #expect(values["DISK1_BACKING"] == "/vms/t/data.raw")
        // What it only reads is there for all.
        #expect(values["DISK2"] == "/vms/t/tools.img" && values["DISK2_READONLY"] == "yes")
        #expect(plan.disks.map(\.path) == ["/vms/new/vdisk0", "/vms/new/vdisk1"])
        #expect(plan.disks.map(\.image?.path) == ["/vms/t/vdisk0", "/vms/t/data.raw"])
        #expect(plan.disks.map(\.image?.format) == [.qcow2, .raw])
        #expect(!plan.notices.contains { $0.contains("empty") })
    }

    @Test func itsOwnSeedIsCopiedAndAnothersIsNamed() throws {
        let plan = try plan(model())
        #expect(plan.files == [.init(path: "/vms/new/user-data", content: Array("#cloud-config\n".utf8))])
        let values = values(plan)
        #expect(values["CLOUDINIT_USERDATA"] == "user-data" && values["CLOUDINIT_NETWORK"] == "/srv/net")
        // The VM's own name is the guest's.
        #expect(values["CLOUDINIT_HOSTNAME"] == nil)
        let given = try self.plan(model()) { $0.userData = Array("#!/bin/sh\n".utf8) }
        #expect(given.files == [.init(path: "/vms/new/user-data", content: Array("#!/bin/sh\n".utf8))])
    }

    /// Each guest of a lab is told its own name, and that it is an instance of its own; what it is to do is the same.
    @Test func seedsOfALab() throws {
        let model = try model()
        let seeds = try NamePattern("lab_%02d").names(20).map { name in
            let plan = try plan(
                model, at: FilePath("/vms/\(name)/vm.params"), uuid: Identity.derivedUUID(machineID: "", file: name))
            let contents = Dictionary(uniqueKeysWithValues: plan.files.map { ($0.path, $0.content) })
            let (wanted, uuid) = (try #require(plan.params.cloudInit), try #require(plan.params.uuid?.value))
            return CloudSeed(wanted, of: plan.params.name.value, uuid: uuid, contents: contents)
        }
        #expect(seeds.map(\.hostname) == (1...20).map { "lab-\($0 < 10 ? "0" : "")\($0)" })
        #expect(Set(seeds.map(\.instanceID)).count == 20)
        #expect(seeds.allSatisfy { $0.files[1].content == Array("#cloud-config\n".utf8) })
    }

    /// Where the host name alone asks for a seed, there is one again.
    @Test func aSeedOfAHostNameAlone() throws {
        let model = try model("TEMPLATE=yes\nNET0=none\nCLOUDINIT_HOSTNAME=golden\n")
        #expect(try values(plan(model))["CLOUDINIT_HOSTNAME"] == "new")
        #expect(try values(plan(model, ["CLOUDINIT_HOSTNAME=x"]))["CLOUDINIT_HOSTNAME"] == "x")
    }

    @Test func copies() throws {
        let plan = try plan(model(copying: true))
        let values = values(plan)
        #expect(values["DISK0_FORMAT"] == "qcow2" && values["DISK0_BACKING"] == "/images/debian.qcow2")
        #expect(values["DISK1_FORMAT"] == "raw" && values["DISK1_BACKING"] == nil)
        #expect(plan.disks.allSatisfy { $0.image?.isBase == false })
    }

    @Test func sizes() throws {
        #expect(try plan(model(), ["DISK0_SIZE=2G"]).disks[0].size == ByteCount(bytes: 2 << 30))
        let error = try #require(throws: VMError.self) { try plan(model(), ["DISK0_SIZE=512M"]) }
        #expect(error.code == .usage && error.cause.contains("less than the 1 GiB"))
    }

    /// It would be empty, and the guest would not boot.
    @Test func aDiskInPlaceOfItsOwn() throws {
        let error = try #require(throws: VMError.self) { try plan(model()) { $0.disks = [ByteCount(bytes: 1 << 30)] } }
        #expect(error.code == .usage && error.remedy?.description.contains("--set DISK0_SIZE=40G") == true)
        #expect(error.remedy?.description.contains("--set DISK3=vdisk3 --set DISK3_SIZE=8G") == true)
        #expect(try values(plan(model()) { $0.disks = [] })["DISK0"] == nil)
    }

    @Test func anotherDiskStandsOnNothing() throws {
        let values = values(try plan(model(), ["DISK0=/dev/vg/x", "DISK0_FORMAT=raw"]))
        #expect(values["DISK0"] == "/dev/vg/x" && values["DISK0_BACKING"] == nil)
    }

    @Test func aColonCanNotBeInAChain() throws {
        var model = try model("TEMPLATE=yes\nNET0=none\nDISK0=a:b\n")
        model.images[0] = .success(NewVM.Image(path: "/vms/t/a:b", format: .raw, isBase: true))
        model.sizes[0] = .success(ByteCount(bytes: 512))
        let error = try #require(throws: VMError.self) { try plan(model) }
        #expect(error.code == .unavailable && error.subject == "/vms/t/a:b")
    }

    @Test func fieldsOfAList() throws {
        let list = try VMList("NAME,MEMORY,CPUS\nnew,2G,x\n", of: "hosts.csv")
        let error = try #require(throws: VMError.self) { try plan(model()) { $0.cells = list.rows[0].cells } }
        #expect(error.code == .badData)
        #expect(error.details.first == "hosts.csv: row 2, column 3: error: CPUS: 'x' is not a whole number")
        let twice = try #require(throws: VMError.self) {
            try plan(model(), ["MEMORY=1G"]) { $0.cells = Array(list.rows[0].cells.prefix(1)) }
        }
        #expect(
            twice.code == .usage && twice.details[0].contains("both --set MEMORY=1G and hosts.csv: row 2, column 2"))
        let good = try plan(model()) { $0.cells = Array(list.rows[0].cells.prefix(1)) }
        #expect(values(good)["MEMORY"] == "2G")
    }

    @Test(arguments: [
        ("/a:/b/c", ["/a", "/b/c"]), ("a:../b", ["/vms/1/a", "/vms/1/../b"]), ("/a", ["/a"]),
    ])
    func backingLists(value: String, paths: [String]) throws {
        let text = "NET0=none\nDISK0=x\nDISK0_FORMAT=qcow2\nDISK0_BACKING=\(value)\n"
        let params = try #require(VMParams.parse(Array(text.utf8), file: "/vms/1/vm.params").params)
        #expect(params.disks[0].backing.map(\.value.string) == paths)
    }

    @Test(arguments: [
        "/a:", ":/a", "/a::/b", "/a:/a", "https://x/y", Array(repeating: "/a", count: 17).joined(separator: ":"),
    ])
    func noBackingLists(value: String) {
        let text = "NET0=none\nDISK0=x\nDISK0_FORMAT=qcow2\nDISK0_BACKING=\(value)\n"
        #expect(VMParams.parse(Array(text.utf8), file: "/vms/1/vm.params").params == nil)
    }
}
