import SystemPackage
import Testing

@testable import VMCore

/// What a params file says, and in what two of them differ.
@Suite struct GivenKeysTests {
    private func differences(_ before: String, _ after: String) -> [String] {
        GivenKeys(in: after).differences(from: GivenKeys(in: before), in: "/vms/web/vm.params").map {
            "\($0.key) \($0.before ?? "-") \($0.after ?? "-")"
        }
    }

    @Test(arguments: [
        ("CPUS=2\n", "# c\nCPUS='2'\n", []), ("CPUS=2\nMEMORY=1G\n", "MEMORY=1G\nCPUS=2\n", []),
        ("MEMORY=1G\n", "MEMORY=1024\n", []), ("DISK0=d\n", "DISK0=/vms/web/d\n", []),
        ("MAC=52:54:00:00:00:01\n", "NET0_MAC=52:54:00:00:00:01\n", []), ("BRIDGE=br1\n", "NET0=bridge:br1\n", []),
        ("CPUS=2\n", "CPUS=4\n", ["CPUS 2 4"]), ("CPUS=2\n", "", ["CPUS 2 -"]), ("", "CPUS=2\n", ["CPUS - 2"]),
        ("VNCDISP=1\nMEMORY=1G\nDISK1=b\nDISK0=a\n", "", ["MEMORY 1G -", "DISK0 a -", "DISK1 b -", "VNCDISP 1 -"]),
        ("CPUS=x\n", "CPUS=y\n", ["CPUS x y"]), ("CPUS=2\nCPUS=3\n", "CPUS=$x\nCPUS=2\n", []),
    ])
    func differ(_ before: String, _ after: String, _ expected: [String]) {
        #expect(differences(before, after) == expected)
    }

    @Test func theTextReadsBack() throws {
        let text = "APPEND='it'\\''s'   # c\nKERNEL=k\nBRIDGE=br1\n"
        let given = try #require(VMParams.parse(Array(text.utf8), file: "/vms/web/vm.params").params).given
        #expect(given.text == "APPEND='it'\\''s'\nKERNEL=k\nNET0=bridge:br1\n")
        #expect(GivenKeys(in: given.text).values == given.values)
    }

    @Test(arguments: [
        ("DISK0=a\nDISK0_IOPS=5\n", "DISK0=a\nDISK0_BPS=1M\n", "DISK0_BPS", LiveChange.limits(disk: 0)),
        ("DISK0=a\nDISK0_IOPS=5\n", "DISK0=a\n", "DISK0_IOPS", .limits(disk: 0)),
        ("DISK0=a\n", "DISK0=a\nDISK0_IOPS=5\n", "DISK0_IOPS", nil),
        ("DISK0=a\nDISK0_IOPS=5\n", "DISK0=b\nDISK0_IOPS=6\n", "DISK0_IOPS", nil),
        ("", "DESCRIPTION=a\n", "DESCRIPTION", .noted),
        ("", "VNCPASSWORD_FILE=a\n", "VNCPASSWORD_FILE", .screenPassword),
        ("VNCPASSWORD_FILE=a\n", "", "VNCPASSWORD_FILE", nil),
        ("VNCDISP=0\n", "VNCDISP=0\nVNCPASSWORD_FILE=a\n", "VNCPASSWORD_FILE", nil), ("", "CPUS=2\n", "CPUS", nil),
    ])
    func whatARunningVMTakes(_ before: String, _ after: String, _ key: String, _ expected: LiveChange?) throws {
        func params(_ text: String) throws -> VMParams {
            try #require(VMParams.parse(Array(text.utf8), file: "/vms/web/vm.params").params)
        }
        let (running, wanted) = (try params(before), try params(after))
        let difference = try #require(
            wanted.given.differences(from: running.given, in: running.file).first { "\($0.key)" == key })
        #expect(LiveChange(difference, in: running, toBecome: wanted) == expected)
    }
}
