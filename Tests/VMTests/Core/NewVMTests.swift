import BridgeNet
import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore

/// The plan of `create`: what the file of a new VM says, and which disks are made.
@Suite struct NewVMTests {
    private let uuid = UUID(Array(0...15))

    private func plan(
        _ vm: NewVM = NewVM(), _ settings: [String] = [], like model: ModelVM? = nil, isRoot: Bool = true,
        including included: String? = nil
    ) throws(VMError) -> NewVMPlan {
        var vm = vm
        vm.settings = settings
        let choices = NewVMPlan.Choices(
            uuid: uuid, machine: "pc-q35-7.2", defaults: NewVM.Defaults(isRoot: isRoot))
        return try NewVMPlan(vm, at: "/vms/new/vm.params", like: model, choices) { own in
            included.flatMap { text in own.include.map { [ParamsSource($0.value, Array(text.utf8))] } } ?? []
        }
    }

    private func values(_ plan: NewVMPlan) -> [String: String] {
        Dictionary(uniqueKeysWithValues: GivenKeys(in: plan.text).values.map { ("\($0.key)", $0.value) })
    }

    private func refusal(
        _ vm: NewVM = NewVM(), _ settings: [String] = [], like model: ModelVM? = nil
    ) throws -> VMError {
        try #require(throws: VMError.self) { try plan(vm, settings, like: model) }
    }

    private func model(_ text: String, sizes: [Int: ByteCount] = [:]) throws -> ModelVM {
        let file: FilePath = "/vms/web/vm.params"
        let params = try #require(VMParams.parse(Array(text.utf8), file: file).params)
        return ModelVM(file, text, params, sizes: sizes.mapValues { .success($0) })
    }

    @Test func defaults() throws {
        #expect(
            try plan().text == """
                # Made by kvmctl create. Every key: vm.params(5).
                UUID=00010203-0405-0607-0809-0a0b0c0d0e0f
                MACHINE=pc-q35-7.2
                MEMORY=1G
                CPUS=1
                NET0=bridge:br0
                NET0_MAC=\(Identity.mac(uuid: uuid, nic: 0))
                VNCDISP=auto

                """)
        #expect(try plan().notices == [])
        let users = try plan(isRoot: false)
        #expect(values(users)["NET0"] == "user" && users.notices.count == 1)
        #expect(try plan(["NET0=nat"], isRoot: false).notices == [])
    }

    private func plan(_ settings: [String], isRoot: Bool) throws(VMError) -> NewVMPlan {
        try plan(NewVM(), settings, isRoot: isRoot)
    }

    @Test func optionsAndSettings() throws {
        var vm = NewVM()
        (vm.kernel, vm.initrd, vm.append) = ("/boot/k", "/boot/i", "quiet")
        vm.disks = [ByteCount(bytes: 1 << 20), ByteCount(bytes: 2 << 20)]
        vm.networks = [.user]
        vm.forwards = [try OptionValue.forward("tcp::2222:22")]
        vm.mac = try OptionValue.mac("52:54:00:00:00:09")
        let plan = try plan(vm, ["DISK1_FORMAT=qcow2", "DESCRIPTION=it's a  b", "CPUS=4", "NET1=nat"])
        let values = values(plan)
        #expect(values["KERNEL"] == "/boot/k" && values["INITRD"] == "/boot/i" && values["APPEND"] == "quiet")
        #expect(values["FORWARD0"] == "tcp::2222:22" && values["NET0_MAC"] == "52:54:00:00:00:09")
        #expect(values["DESCRIPTION"] == "it's a  b" && values["CPUS"] == "4")
        #expect(values["NET1_MAC"] == "\(Identity.mac(uuid: uuid, nic: 1))")
        #expect(
            plan.disks == [
                .init(path: "/vms/new/vdisk0", size: ByteCount(bytes: 1 << 20), format: .raw),
                .init(path: "/vms/new/vdisk1", size: ByteCount(bytes: 2 << 20), format: .qcow2),
            ])
    }

    /// The MACs are those of the UUID that the VM has.
    @Test func chosenUUID() throws {
        let other = UUID(Array(repeating: 7, count: 16))
        let text = other.description
        let values = values(try plan(NewVM(), ["UUID=\(text)"]))
        #expect(values["UUID"] == text && values["NET0_MAC"] == "\(Identity.mac(uuid: other, nic: 0))")
    }

    @Test func everyFaultAtOnceInItsWord() throws {
        let error = try refusal(NewVM(), ["CPUS=x", "MEMROY=3", "DISK0", "VIDEO=a b", "TAGS=\u{1}"])
        #expect(error.code == .usage)
        for lines in [
            ["--set CPUS=x: error: CPUS: 'x' is not a whole number", "    CPUS=x", "         ^"],
            [
                "--set MEMROY=3: error: unknown key 'MEMROY'", "    MEMROY=3", "    ^~~~~~",
                "    Did you mean MEMORY=3?",
            ],
            ["--set DISK0: error: there is no '=' on this line"],
            ["--set 'VIDEO=a b': error: VIDEO: 'a b' is unknown", "    VIDEO='a b'", "          ^~~~~"],
        ] {
            let first = try #require(error.details.firstIndex(of: lines[0]))
            #expect(Array(error.details[first...].prefix(lines.count)) == lines)
        }
        #expect(error.details.contains { $0.contains("TAGS") && $0.contains("control character") })
    }

    @Test(arguments: [
        (["CPUS=0"], VMError.Code.badData), (["FIRMWARE=uefi"], .unavailable), (["FIRMWARE=uefi", "CPUS=0"], .badData),
        (["CPUS=0", "NOKEY=1"], .usage), (["export CPUS=2"], .usage), (["# CPUS"], .usage), ([""], .usage),
        (["MAC=52:54:00:00:00:01", "NET0_MAC=52:54:00:00:00:02"], .usage), (["CPUS=1", "CPUS=1"], .usage),
    ])
    func codes(settings: [String], code: VMError.Code) throws {
        #expect(try refusal(NewVM(), settings).code == code)
    }

    @Test(arguments: [
        ("MEMORY=1G", "MEMORY", "--memory"), ("BRIDGE=br1", "BRIDGE", "--net"), ("NET0=nat", "NET0", "--net"),
        ("MAC=52:54:00:00:00:01", "MAC", "--mac"), ("DISK0=/x", "DISK0", "--disk"),
        ("DISK0_SIZE=1G", "DISK0_SIZE", "--disk"),
        ("DISK0_FORMAT=raw", "DISK0_FORMAT", "--format"), ("NAME=b", "NAME", "--name"),
        ("VNCDISP=1", "VNCDISP", "--vnc"),
    ])
    func conflicts(setting: String, key: String, option: String) throws {
        var vm = NewVM()
        (vm.name, vm.memory, vm.networks, vm.vnc) = (VMName("a"), ByteCount(bytes: 1 << 30), [.user], .auto)
        (vm.mac, vm.disks, vm.format) = (MACAddress("52:54:00:00:00:03"), [ByteCount(bytes: 512)], .qcow2)
        let error = try refusal(vm, [setting])
        #expect(error.code == .usage)
        #expect(error.details.first == "\(key): error: both \(option) and --set \(setting) set it: use one of them")
    }

    @Test func whatIsIncludedIsNoDefault() throws {
        let text = try plan(NewVM(), ["INCLUDE=/etc/all.conf"], including: "MEMORY=4G\nBRIDGE=br7\n").text
        #expect(!text.contains("MEMORY=") && !text.contains("NET0=") && text.contains("CPUS=1"))
        #expect(text.contains("NET0_MAC="))
    }

    private static let web = """
        # the web server
        NAME=web   # its name
        UUID=11111111-2222-3333-4444-555555555555
        MEMORY=2G
        DISK0=root.img   # root
        DISK0_BUS=scsi
        DISK1=/srv/data.qcow2
        DISK1_FORMAT=qcow2
        DISK1_SIZE=1G
        CDROM0=install.iso
        BRIDGE=br1
        MAC=52:54:00:11:11:11
        NET0_TAP=web0
        NET1=user
        FORWARD0=tcp::8080:80
        SHARE0=files:web:ro
        VNCDISP=3
        """ + "\n"

    @Test func aModelKeepsWhatIsNotItsOwn() throws {
        let sizes = [0: ByteCount(bytes: 8 << 30), 1: ByteCount(bytes: 3 << 30)]
        let plan = try plan(like: model(Self.web, sizes: sizes))
        #expect(
            plan.text == """
                # the web server
                UUID=00010203-0405-0607-0809-0a0b0c0d0e0f
                MEMORY=2G
                MACHINE=pc-q35-7.2
                DISK0=vdisk0     # root
                DISK0_BUS=scsi
                DISK0_FORMAT=raw
                DISK1=vdisk1
                DISK1_FORMAT=qcow2
                DISK1_SIZE=3G
                CDROM0=/vms/web/install.iso
                BRIDGE=br1
                MAC=\(Identity.mac(uuid: uuid, nic: 0))
                NET1=user
                NET1_MAC=\(Identity.mac(uuid: uuid, nic: 1))
                SHARE0=/vms/web/files:web:ro
                VNCDISP=auto

                """)
        #expect(plan.disks.map(\.size) == [sizes[0], sizes[1]] && plan.disks.map(\.format) == [.raw, .qcow2])
        #expect(plan.disks.map(\.path) == ["/vms/new/vdisk0", "/vms/new/vdisk1"])
        #expect(plan.notices.contains { $0.contains("DISK0, DISK1: new and empty") })
        #expect(plan.notices.contains { $0.contains("NET0_TAP, FORWARD0") })
    }

    @Test func optionsGoBeforeTheModel() throws {
        var vm = NewVM()
        (vm.disks, vm.networks, vm.memory) = ([ByteCount(bytes: 1 << 20)], [.nat], ByteCount(bytes: 1 << 29))
        let plan = try plan(vm, ["CDROM0=", "VNCDISP=7"], like: model(Self.web))
        let values = values(plan)
        #expect(values["DISK0"] == "vdisk0" && values["DISK0_BUS"] == "scsi" && values["DISK1"] == nil)
        #expect(values["DISK1_FORMAT"] == nil && values["NET0"] == "nat" && values["NET1"] == nil)
        #expect(values["MEMORY"] == "512M" && values["CDROM0"] == "" && values["VNCDISP"] == "7")
        #expect(plan.disks.map(\.size) == vm.disks)
    }

    /// A disk that `--set` names is not made.
    @Test func aDiskOfAModelIsNamed() throws {
        let plan = try plan(
            NewVM(), ["DISK0=/dev/vg/new", "DISK1_SIZE=2G", "DISK1_FORMAT=raw"],
            like: model(Self.web, sizes: [1: ByteCount(bytes: 1 << 30)]))
        #expect(plan.disks == [.init(path: "/vms/new/vdisk1", size: ByteCount(bytes: 2 << 30), format: .raw)])
        #expect(values(plan)["DISK0"] == "/dev/vg/new")
    }

    @Test(arguments: [
        "QEMUARG0=-nodefaults\n", "NET0_FILTER=mac,ip=192.0.2.7\n", "DISK0=base\nDISK0_READONLY=yes\n",
    ])
    func whatOnlyAPersonCanDecide(line: String) throws {
        let error = try refusal(like: model(line, sizes: [0: ByteCount(bytes: 512)]))
        #expect(error.code == .usage && error.subject.hasPrefix("/vms/web/vm.params: "))
        let key = error.subject.split(separator: " ").last.map(String.init) ?? ""
        #expect(error.remedy?.description.hasSuffix("; --set \(key)= leaves it out") == true)
        #expect(try values(plan(NewVM(), ["\(key)="], like: model(line)))[key] == nil)
        let value = ["QEMUARG0": "-no-hpet", "NET0_FILTER": "mac"][key] ?? "/srv/other"
        #expect(try values(plan(NewVM(), ["\(key)=\(value)"], like: model(line)))[key] == value)
    }

    @Test func noneOfWhatAModelHas() throws {
        var vm = NewVM()
        (vm.disks, vm.networks, vm.cdroms) = ([], [], [])
        let plan = try plan(vm, like: model(Self.web.replacing("FORWARD0=tcp::8080:80\n", with: "")))
        let values = values(plan)
        #expect(values.keys.filter { $0.hasPrefix("DISK") || $0.hasPrefix("CDROM") } == [] && plan.disks == [])
        #expect(values["NET0"] == "none" && values["NET1"] == nil)
        vm.format = .qcow2
        #expect(try refusal(vm, like: model(Self.web)).remedy == "say how large one is to be: --disk 8G")
    }

    /// Nothing is a key's value where it can be; else it leaves a key of the model out, with what describes the same thing.
    @Test func aKeyOfAModelIsLeftOut() throws {
        let text = Self.web + "DESCRIPTION='the first'\nPROTECT=yes\nKERNEL=/k\nINITRD=/i\n"
        let model = try model(text, sizes: [0: ByteCount(bytes: 1 << 20), 1: ByteCount(bytes: 1 << 20)])
        let kept = try plan(like: model)
        #expect(values(kept)["DESCRIPTION"] == "the first" && values(kept)["PROTECT"] == "yes")
        #expect(
            kept.notices.contains(
                "as in /vms/web/vm.params: DESCRIPTION, PROTECT; --set DESCRIPTION= leaves DESCRIPTION out"))
        let words = ["DESCRIPTION=", "PROTECT=", "KERNEL=", "DISK1=", "CDROM0=", "MAC="]
        let plan = try plan(NewVM(), words, like: model)
        let values = values(plan)
        for key in ["DESCRIPTION", "PROTECT", "KERNEL", "INITRD", "DISK1", "DISK1_SIZE", "DISK1_FORMAT"] {
            #expect(values[key] == nil, "\(key)")
        }
        #expect(values["CDROM0"] == "" && plan.disks.count == 1 && !plan.notices.contains { $0.hasPrefix("as in") })
        // Where there is none, it may be a variable of a script that is not set.
        let error = try refusal(NewVM(), ["TAGS="], like: model)
        #expect(error.details.contains("    Give it a value, or leave it out."))
        #expect(try refusal(NewVM(), ["TAGS="]).details.contains("    Give it a value, or leave it out."))
    }

    /// There is no file yet whose lines could be counted.
    @Test func theOtherSideOfAConflictIsAWord() throws {
        var vm = NewVM()
        (vm.networks, vm.mac) = ([], MACAddress("52:54:00:00:00:03"))
        #expect(
            try refusal(vm).details.prefix(1) == [
                "--mac: error: NET0_MAC: NET0 (--net) is none"
            ])
        #expect(try refusal(vm).details.contains("    Leave it out, or connect the NIC to a bridge."))
        let forward = try OptionValue.forward("tcp::22:22")
        (vm.networks, vm.mac, vm.forwards) = ([.user], nil, [forward, forward])
        #expect(
            try refusal(vm).details.first
                == "--forward: error: FORWARD1: host port 22 is already taken (--forward)")
        let settings = ["NET1=nat", "NET1_MAC=52:54:00:00:00:04", "NET2=nat", "NET2_MAC=52:54:00:00:00:04"]
        let said = try refusal(NewVM(), settings).details
        #expect(said.contains { $0.hasSuffix("is already used (--set NET1_MAC=52:54:00:00:00:04)") })
        let own = try refusal(NewVM(), ["NET1_QUEUES=2"], like: model("NET1=user\n")).details
        #expect(own.contains { $0.hasSuffix("NET1 (of /vms/web/vm.params) is user, which has only one queue") })
        let disk = try refusal(NewVM(), ["DISK0_BUS=sata"]).details
        #expect(disk.contains { $0.contains("--disk 8G makes a new one, --set DISK0=FILE takes one that is there") })
        #expect(try refusal(NewVM(), ["NET1_MTU=9000"]).details.contains { $0.contains("or add --set NET1=") })
    }

    @Test func theSettingsAreDefaults() throws {
        var usual = CreateDefaults()
        (usual.disks, usual.networks) = ([ByteCount(bytes: 1 << 30)], [.user])
        func filled(_ settings: [String], format: DiskFormat? = nil) throws -> NewVMPlan {
            var vm = NewVM()
            (vm.settings, vm.format) = (settings, format)
            vm.fillIn(usual)
            return try self.plan(vm, settings)
        }
        let plan = try filled(["DISK0_BUS=sata"], format: .qcow2)
        #expect(plan.disks.map(\.format) == [.qcow2] && values(plan)["DISK0_BUS"] == "sata")
        #expect(values(plan)["NET0"] == "user")
        #expect(try filled(["DISK0=/d", "BRIDGE=br1"]).disks == [])
        #expect(try refusal(NewVM(), ["DISK0_SIZE=2G"]).details.contains { $0.contains("--disk 8G") })
    }

    @Test(arguments: ["/srv/old.img", "old.qcow2"])
    func aDiskThatIsThere(word: String) {
        #expect {
            try OptionValue.newDisk(word)
        } throws: {
            "\($0)".contains("with --set DISK0=FILE instead")
        }
    }

    @Test func aDiskWhoseSizeIsNotKnown() throws {
        var model = try model("DISK0=/dev/none\n")
        model.sizes[0] = .failure(VMError(.unavailable, "DISK0", "can't be told"))
        #expect(try refusal(like: model).remedy == "give the new disk a size: --set DISK0_SIZE=8G")
        #expect(try plan(NewVM(), ["DISK0_SIZE=1M"], like: model).disks.map(\.size) == [ByteCount(bytes: 1 << 20)])
    }

    @Test(arguments: [("", "DISK0_SIZE"), ("DISK1", "DISK1_SIZE"), ("FORWARD12", "FORWARD12")])
    func namesOfKeys(typed: String, offered: String) {
        #expect(ParamsSchema.names(numberedAs: typed).contains(offered))
    }
}
