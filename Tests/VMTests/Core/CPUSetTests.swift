import Testing

@testable import VMCore

@Suite struct CPUSetTests {
    @Test(arguments: [("0", "0"), ("0-3,8", "0-3,8"), ("3,2,1", "1-3"), ("0-1,1-2", "0-2"), ("8191", "8191")])
    func isWrittenAsTheKernelDoes(_ text: String, _ shown: String) throws {
        #expect(try CPUSet(parsing: text).description == shown)
    }

    @Test(arguments: ["", ",", "0,", "a", "-1", "1-", "1-2-3", "3-1", "8192", " 1", "0x1", "99999999999999999999"])
    func refusesWhatIsNoList(_ text: String) { #expect(throws: ValueFault.self) { try CPUSet(parsing: text) } }

    @Test func aMaskHasTheLowestFirst() {
        let set = CPUSet([0, 9, CPUSet.most - 1])
        #expect(set.mask.prefix(2) == [1, 2] && set.mask.last == 0x80)
        #expect(CPUSet(mask: set.mask) == set)
        #expect(CPUSet(mask: [0x81, 1]).description == "0,7-8")
    }
}

@Suite struct ProtectionTests {
    @Test(arguments: [
        ("PROTECT=yes\nMEMROY=1\n", true), ("PROTECT=no\nMEMROY=1\n", false), ("# PROTECT=yes\n?\n", nil),
        ("PROTECT=perhaps\n", true), ("PROTECT=$X\n", true), ("PROTECT yes\n", true), ("MEMORY=1\n", nil),
        ("PROTECT=\n", true),
        ("PROTECT=no\nPROTECT=yes\n", true),
    ])
    func anErrorUnprotectsNothing(_ text: String, _ protects: Bool?) {
        #expect(VMParams.mayProtect(Array(text.utf8)) == protects)
    }
}
