import BridgeNet
import SystemPackage
import Testing

@testable import VMCore

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
        #expect(parsed.report == "")
        #expect(parsed.error == nil)
        let expected = VMParams(
            file: "/vms/1/vm.params",
            name: Setting(try #require(VMName("1")), .derived("the directory's name")),
            uuid: nil,
            memory: Setting(ByteCount(bytes: 512 << 20), .line(4, key: "MEMORY")),
            cpus: Setting(1, .standard(key: "CPUS")),
            cpu: nil,
            machine: Setting(.q35, .standard(key: "MACHINE")),
            accel: Setting(.auto, .standard(key: "ACCEL")),
            boot: Setting([.disk, .cdrom], .standard(key: "BOOT")),
            kernel: nil,
            disks: [0, 1].map { index in
                VMParams.Disk(
                    index: index,
                    path: Setting(FilePath("/vms/1/vdisk\(index)"), .line(2 + index, key: "DISK\(index)")),
                    readOnly: Setting(false, .standard(key: "DISK\(index)_READONLY")))
            },
            cdroms: [],
            nics: [
                VMParams.NIC(
                    index: 0,
                    network: Setting(.bridge(try #require(InterfaceName("br0"))), .standard(key: "NET0")),
                    mac: Setting(try #require(MACAddress("52:54:00:00:00:01")), .line(1, key: "MAC")))
            ],
            forwards: [],
            vnc: VMParams.VNC(
                display: Setting(.number(0), .line(5, key: "VNCDISP")),
                bind: Setting("127.0.0.1", .standard(key: "VNCBIND"))),
            runAs: nil,
            rtc: Setting(.utc, .standard(key: "RTC")),
            keymap: nil,
            qemu: nil,
            qemuArguments: [])
        #expect(parsed.params == expected)
    }
}
