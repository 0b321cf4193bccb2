import BridgeNet
import SystemPackage
import Testing

@testable import VMCore

@Suite struct IncludeTests {
    private func source(_ file: FilePath, _ text: String) -> ParamsSource { ParamsSource(file, Array(text.utf8)) }

    /// A params file in /vms/1 that includes /vms/defaults.
    private func parse(_ own: String, _ included: String...) -> ParsedParams {
        VMParams.parse(
            source("/vms/1/vm.params", own),
            including: included.enumerated().map { source(FilePath("/vms/defaults\($0.offset)"), $0.element) })
    }

    @Test func theFileItselfTakesPrecedence() throws {
        let parsed = parse(
            "INCLUDE=../defaults0\nMEMORY=2G\nDISK0=vdisk0\n",
            "MEMORY=1G\nCPUS=2\nKERNEL=vmlinuz\nDISK0_CACHE=unsafe\nINCLUDE=defaults1\n", "CPUS=4\nTAGS=lab\n")
        #expect(parsed.shown == "")
        let params = try #require(parsed.params)
        #expect(params.memory == Setting(ByteCount(bytes: 2 << 30), .line(2, key: KeyName(.memory))))
        #expect(params.cpus == Setting(2, .included("/vms/defaults0", 2, key: KeyName(.cpus))))
        #expect(params.tags?.origin == .included("/vms/defaults1", 2, key: KeyName(.tags)))
        #expect(params.disks.first?.cache?.value == .unsafe)
        // A path is relative to the file that it stands in.
        #expect(params.kernel?.image.value == "/vms/vmlinuz")
        #expect(params.disks.first?.path.value == "/vms/1/vdisk0")
        #expect(params.include?.value == "/vms/1/../defaults0")
        #expect(params.place(params.cpus.origin) == "/vms/defaults0:2: CPUS")
        #expect(params.lineEdit(params.cpus.origin, value: "1") == nil)
        #expect(params.given.includedPlace(of: KeyName(.tags)) == "/vms/defaults1:2")
        #expect(params.given.includedPlace(of: KeyName(.memory)) == nil)
        #expect(params.given.includedPlace(of: KeyName(.uuid)) == nil)
    }

    @Test func bridgeAndNET0AreOneKey() {
        let own = parse("INCLUDE=../defaults0\nBRIDGE=br1\n", "NET0=user\n").params?.nics.first?.network
        #expect(own?.value == DeviceName("br1").map(Network.bridge))
        let other = parse("INCLUDE=../defaults0\nNET0=user\n", "BRIDGE=br1\n").params?.nics.first?.network
        #expect(other?.value == .user)
    }

    @Test func aFaultNamesItsFile() {
        let parsed = parse("INCLUDE=../defaults0\nMEMROY=1\n", "# defaults\nCPUS=0\nCPUS=1\n")
        #expect(
            parsed.lines == [
                "/vms/1/vm.params:2:1: error: unknown key 'MEMROY'", "    MEMROY=1", "    ^~~~~~",
                "    Did you mean MEMORY=1?",
                "/vms/defaults0:2:6: error: CPUS: '0' is out of range", "    CPUS=0", "         ^",
                "    Write a number from 1 to 255.",
                "/vms/defaults0:3:1: error: CPUS is set twice: first on line 2", "    CPUS=1", "    ^~~~",
                "    Remove one of the two lines.",
            ])
    }

    @Test func aConflictNamesBothFiles() {
        let parsed = parse("INCLUDE=../defaults0\nNET0=user\n", "NET0_VLAN=10\n")
        #expect(
            parsed.lines.first == "/vms/defaults0:1:11: error: NET0_VLAN: NET0 on line 2 is user, which has no VLANs")
        let other = parse("INCLUDE=../defaults0\nDISK1=/a\n", "DISK0=/a\n")
        #expect(
            other.lines.first
                == "/vms/1/vm.params:2:7: error: DISK1: this is the same file as DISK0 on line 1 of /vms/defaults0")
    }

    @Test(arguments: [
        "NAME=a", "UUID=c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10", "MAC=52:54:00:00:00:01", "NET1_MAC=52:54:00:00:00:02",
    ])
    func noTwins(_ line: String) throws {
        let parsed = parse("INCLUDE=../defaults0\nNET1=user\n", "\(line)\n")
        let message = try #require(parsed.diagnostics.first?.message)
        #expect(message.hasSuffix("in an included file would be that of every VM that includes it"))
        #expect(parsed.error?.code == .badData)
    }

    @Test func whatIsNotReadIsSaid() {
        #expect(parse("INCLUDE=../defaults0\n").error?.code == .unavailable)
        #expect(parse("INCLUDE=../defaults0\n", "INCLUDE=next\n").lines.first?.hasPrefix("/vms/defaults0:1:") == true)
        #expect(parse("INCLUDE=../defaults0\n", "INCLUDE=http://x\n").lines.first?.contains("is a URL") == true)
        #expect(parse("INCLUDE=a\nINCLUDE=b\n", "").lines.first?.contains("set twice") == true)
    }

    @Test func circlesAndLongChainsEnd() throws {
        let a = source("/vms/a", "INCLUDE=b/../c\n")
        #expect(try [a].nextInclude()?.file == "/vms/b/../c")
        #expect {
            try [a, source("/vms/c", "\nINCLUDE=./a\n")].nextInclude()
        } throws: { error in
            "\(error)".hasPrefix("/vms/c:2: INCLUDE: the files include one another: /vms/a → /vms/c → /vms/a")
        }
        let chain = (0...4).map { source(FilePath("/vms/\($0)"), "INCLUDE=\($0 + 1)\n") }
        #expect(try chain.dropLast().map(\.self).nextInclude()?.file == "/vms/4")
        #expect { try chain.nextInclude() } throws: { "\($0)".contains("at most 4 are") }
    }
}
