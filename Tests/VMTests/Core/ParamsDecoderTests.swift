import BridgeNet
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife

/// Decodes text as the file of VM 1.
func parse(_ text: String, file: FilePath = "/vms/1/vm.params") -> ParsedParams {
    VMParams.parse(Array(text.utf8), file: file)
}

@Suite struct ParamsDecoderTests {
    static let of2010 = """
        MAC=52:54:00:00:00:01
        DISK0=/vms/1/vdisk0
        DISK1=/vms/1/vdisk1
        MEMORY=512
        VNCDISP=0

        """

    @Test func decodesTheFileOf2010() throws {
        let parsed = parse(Self.of2010)
        #expect(parsed.shown == "")
        #expect(parsed.error == nil)
        let expected = VMParams(
            file: "/vms/1/vm.params",
            name: Setting(try #require(VMName("1")), .derived("the directory's name")),
            uuid: nil,
            protect: Setting(false, .standard(key: KeyName(.protect))),
            template: Setting(false, .standard(key: KeyName(.template))),
            memory: Setting(ByteCount(bytes: 512 << 20), .line(4, key: KeyName(.memory))),
            cpus: Setting(1, .standard(key: KeyName(.cpus))),
            cpu: nil,
            machine: Setting(.q35, .standard(key: KeyName(.machine))),
            accel: Setting(.auto, .standard(key: KeyName(.accel))),
            boot: Setting([.disk, .cdrom], .standard(key: KeyName(.boot))),
            kernel: nil,
            disks: [0, 1].map { index in
                VMParams.Disk(
                    index: index,
                    path: Setting(FilePath("/vms/1/vdisk\(index)"), .line(2 + index, key: KeyName(.disk, index))),
                    backing: [],
                    readOnly: Setting(false, .standard(key: KeyName(.diskReadOnly, index))),
                    bus: Setting(.virtio, .standard(key: KeyName(.diskBus, index))))
            },
            cdroms: [],
            nics: [
                VMParams.NIC(
                    index: 0,
                    network: Setting(.bridge(try #require(DeviceName("br0"))), .standard(key: KeyName(.net, 0))),
                    mac: Setting(try #require(MACAddress("52:54:00:00:00:01")), .line(1, key: KeyName(.mac))),
                    model: Setting(.virtio, .standard(key: KeyName(.netModel, 0))))
            ],
            forwards: [],
            vnc: VMParams.VNC(
                display: Setting(.number(0), .line(5, key: KeyName(.vncDisplay))),
                bind: Setting("127.0.0.1", .standard(key: KeyName(.vncBind)))),
            shares: [],
            runAs: nil,
            service: ServiceParams(autostart: Setting(false, .standard(key: KeyName(.autostart)))),
            consoleLog: Setting(ByteCount(bytes: 16 << 20), .standard(key: KeyName(.consoleLog))),
            hugePages: Setting(.no, .standard(key: KeyName(.hugePages))),
            rtc: Setting(.utc, .standard(key: KeyName(.rtc))),
            keymap: nil,
            video: Setting(.std, .standard(key: KeyName(.video))),
            sound: Setting(false, .standard(key: KeyName(.sound))),
            qemu: nil,
            qemuArguments: [], given: GivenKeys(in: Self.of2010))
        #expect(parsed.params == expected)
    }

    @Test(arguments: [
        ("/vms/web/vm.params", "web"), ("/vms/web.params", "web"), ("/etc/web", "web"), ("/vms/a.b.params", "a.b"),
    ])
    func namesAfterTheFile(_ file: String, _ name: String) {
        #expect(parse("", file: FilePath(file)).params?.name.value.description == name)
    }

    @Test(arguments: ["/vm.params", "/my vms/web server/vm.params", "/vms/.params"])
    func asksForANameWhereTheFileGivesNone(_ file: String) {
        let parsed = parse("", file: FilePath(file))
        #expect(parsed.error?.code == .badData)
        #expect(parsed.diagnostics.first?.hint?.contains("NAME=") == true)
    }

    @Test(arguments: [
        ("vdisk0", "/vms/1/vdisk0"), ("./a/./b", "/vms/1/a/b"), ("../2/disk", "/vms/1/../2/disk"), ("/a//b", "/a/b"),
        ("'a b'", "/vms/1/a b"),
    ])
    func makesPathsAbsolute(_ written: String, _ meant: String) {
        #expect(parse("DISK0=\(written)\n").params?.disks.first?.path.value == FilePath(meant))
    }

    @Test func reportsEverythingAtOnceInOrder() {
        let parsed = parse("MEMORY=lots\nCPUS=0\nFIRMWARE=uefi\nVNCBIND=0.0.0.0\nDISK0='\n")
        #expect(parsed.diagnostics.map(\.line) == [1, 2, 3, 4, 5])
        #expect(parsed.diagnostics.map(\.kind) == [.badData, .badData, .unavailable, .warning, .badData])
        #expect(parsed.error?.code == .badData)
        #expect(parsed.shown.hasPrefix("/vms/1/vm.params: 4 errors, 1 warning\n"))
    }

    @Test func onlyWhatIsNotBuiltIsUnavailable() {
        #expect(parse("FIRMWARE=uefi\nTPM=yes\n").error?.code == .unavailable)
        #expect(parse("FIRMWARE=uefi\nCPUS=0\n").error?.code == .badData)
    }

    @Test func warningsStopNothing() {
        let parsed = parse("VNCBIND=0.0.0.0\n")
        #expect(parsed.params != nil && parsed.error == nil)
        #expect(parsed.shown.contains(": warning: "))
        #expect(parse("VNCBIND=0.0.0.0\nVNCDISP=none\n").shown == "")
        #expect(parse("VNCBIND=0.0.0.0\nVNCPASSWORD_FILE=p\n").shown == "")
    }

    @Test func theErrorReadsWell() throws {
        let error = try #require(parse("MEMORY=lots\n").error)
        #expect(
            error.description == """
                /vms/1/vm.params: 1 error
                  /vms/1/vm.params:1:8: error: MEMORY: 'lots' is not a size
                      MEMORY=lots
                             ^~~~
                      Write a number and K, M, G, T or P, such as 512M, 8G or 1.5T. A bare number is in MiB.
                """)
    }

    @Test func aFaultyLineBlamesNobodyElse() {
        #expect(parse("DISK0='x\nDISK0_SIZE=8G\n").errorCount == 1)
        #expect(parse("KERNEL=\nAPPEND=x\n").errorCount == 1)
        #expect(parse("NET0=usr\nFORWARD0=tcp::2222:22\n").errorCount == 1)
    }

    @Test func listsAHundredAndCountsTheRest() {
        let parsed = parse(String(repeating: "nonsense\n", count: 150))
        #expect(parsed.diagnostics.count == 100)
        #expect(parsed.errorCount == 150)
        #expect(parsed.shown.hasPrefix("/vms/1/vm.params: 150 errors\n"))
        #expect(parsed.shown.hasSuffix("… and 50 more"))
    }

    @Test func takesABridgeTwiceIfItIsTheSame() {
        #expect(parse("BRIDGE=br1\nNET0=bridge:br1\n").shown == "")
        let nic = parse("BRIDGE=br1\n").params?.nics.first
        #expect(nic?.network == DeviceName("br1").map { Setting(.bridge($0), .line(1, key: KeyName(.bridge))) })
    }

    @Test(arguments: [
        "bridge:br0", "nat", "isolated:lab", "isolated:a.b_c-d.e-f", "macvtap:eth0", "user",
    ])
    func takesEveryKindOfNetwork(_ text: String) {
        #expect(parse("NET0=\(text)\n").params?.nics.first?.network.value.description == text)
    }

    @Test(
        arguments: [
            ("10", .access(10)), ("4094", .access(4094)), ("20-30,10", .trunk([10...10, 20...30])),
            ("7-7", .trunk([7...7])), ("1,2", .trunk([1...1, 2...2])),
        ] as [(String, PortVLANs)])
    func takesVLANs(_ text: String, _ vlans: PortVLANs) {
        #expect(parse("NET0_VLAN=\(text)\n").params?.nics.first?.vlans?.value == vlans)
        #expect(parse("NET0_VLAN=\(vlans)\n").params?.nics.first?.vlans?.value == vlans)
    }

    @Test(arguments: [
        ("100M", 100_000_000), ("1G", 1_000_000_000), ("2.5Gbit", 2_500_000_000), ("64000", 64_000), ("64k", 64_000),
        ("100Gbit", 100_000_000_000), ("1.25Mbit", 1_250_000),
    ])
    func takesRatesInDecimalBits(_ text: String, _ bits: Int64) {
        let rate = parse("NET0_RATE=\(text)\n").params?.nics.first?.rate?.value
        #expect(rate == BitRate(bitsPerSecond: bits))
        #expect(parse("NET0_RATE=\(BitRate(bitsPerSecond: bits))\n").params?.nics.first?.rate?.value == rate)
    }

    @Test(arguments: ["mac", "mac,ip=192.0.2.7,2001:db8::7", "ip=192.0.2.7"])
    func takesFilters(_ text: String) {
        #expect(parse("NET0_FILTER=\(text)\n").params?.nics.first?.filter?.value.description == text)
    }

    @Test func onNATTheLeaseIsTheAddress() {
        #expect(parse("NET0=nat\nNET0_FILTER=ip,mac\n").params?.nics.first?.filter?.value.description == "mac,ip")
    }

    @Test func forwardsLeadToTheFirstNICThatHasThem() {
        let params = parse("NET1=nat\nNET2=user\nFORWARD0=tcp::2222:22\n").params
        #expect(params?.forwardNIC?.index == 1)
    }

    @Test func noneIsNoNIC() { #expect(parse("NET0=none\n").params?.nics == []) }

    @Test func ordersByIndex() {
        let params = parse("DISK10=c\nDISK2=b\nDISK0=a\nQEMUARG1=y\nQEMUARG0=x\n").params
        #expect(params?.disks.map(\.index) == [0, 2, 10])
        #expect(params?.qemuArguments.map(\.value) == ["x", "y"])
    }

    @Test func readersMayShareADisk() {
        #expect(parse("DISK0=a\nDISK1=a\nDISK0_READONLY=yes\nDISK1_READONLY=on\n").shown == "")
    }

    @Test(arguments: [
        "NET0=user\nFORWARD0=tcp:127.0.0.1:1:1\nFORWARD1=tcp:127.0.0.2:1:1\n",
        "NET0=user\nFORWARD0=tcp::1:1\nFORWARD1=udp::1:1\n", "APPEND=\nKERNEL=k\n", "QEMU=./qemu\n", "TPM=no\n",
        "FIRMWARE=bios\n", "NET0_QUEUES=1\n", "VNCDISP=59635\n", "VNCBIND=[::1]\n", "# Latin-1 \u{e9}\n",
        "MACHINE=pc-i440fx-7.2\n", "DISK0=a\nDISK0_SERIAL='a b'\n", "RUNAS=1000:1000\n", "MEMORY=16T\nCPUS=255\n",
    ])
    func takes(_ text: String) { #expect(parse(text).shown == "") }

    @Test func aFileThatIsTooLargeIsNotRead() {
        let bytes = [UInt8](repeating: UInt8(ascii: "\n"), count: VMParams.maximumFileSize)
        #expect(VMParams.parse(bytes, file: "/vms/1/vm.params").params != nil)
        let parsed = VMParams.parse(bytes + [10], file: "/vms/1/vm.params")
        #expect(parsed.error?.code == .badData && parsed.diagnostics.count == 1)
    }
}
