import SystemPackage
import Testing

@testable import VMCore

@Suite struct ParamsSchemaTests {
    @Test func holdsEveryKeyOnce() {
        #expect(ParamsSchema.entries.count == ParamsKey.allCases.count)
        #expect(Set(ParamsSchema.entries.map(\.key)) == Set(ParamsKey.allCases))
        for entry in ParamsSchema.entries {
            #expect((entry.indices != nil) == entry.key.pattern.contains("n"), "\(entry.key)")
        }
    }

    /// No key of the table is silently ignored: a valid value changes the parameters, or is refused by name.
    @Test(arguments: ParamsSchema.entries) func heedsEveryKey(_ entry: ParamsSchema.Entry) throws {
        // Keys whose only implemented value is the default can't change anything.
        let unchanging: Set<ParamsKey> = [.firmware, .tpm]
        let name = KeyName(entry.key, entry.indices.map { _ in 0 })
        var parent = entry.needs.map { "\(KeyName($0, name.index))=\($0 == .net ? "bridge:br0" : "file")\n" } ?? ""
        if entry.key == .forward { parent = "NET0=user\n" }
        if entry.key == .diskBacking { parent += "DISK0_FORMAT=qcow2\n" }
        var without = parse(parent)
        var with =
            entry.key == .include
            ? VMParams.parse(
                ParamsSource("/vms/1/vm.params", Array("INCLUDE=\(entry.example)\n".utf8)),
                including: [ParamsSource("/vms/defaults.conf", [])])
            : parse("\(parent)\(name)=\(entry.example)\n")
        // What the file says is not what becomes of it.
        with.params?.given = GivenKeys()
        without.params?.given = GivenKeys()
        #expect(without.shown == "")
        if entry.status == .notBuilt {
            #expect(with.error?.code == .unavailable)
            #expect(with.diagnostics.map(\.message) == ["\(name) is not implemented yet in this version of kvmctl"])
        } else {
            #expect(with.shown == "")
            #expect((with.params != without.params) != unchanging.contains(entry.key))
        }
    }

    @Test func findsKeysAsWritten() {
        guard case .entry(_, let name) = ParamsSchema.find("DISK25_SIZE") else {
            Issue.record("DISK25_SIZE is a key")
            return
        }
        #expect(name == KeyName(.diskSize, 25))
        #expect(name.description == "DISK25_SIZE")
        #expect(["DISK", "DISKn", "n", "", "DISK1_", "MEMORY1", "1", "DISK1SIZE2"].allSatisfy { isUnknown($0) })
    }

    private func isUnknown(_ text: String) -> Bool { ParamsSchema.find(text) == .unknown }

    @Test(arguments: [
        ("MEMROY", "MEMORY"), ("memory", "MEMORY"), ("RAM", "MEMORY"), ("DISK", "DISK0"), ("DSIK3_SIZE", "DISK3_SIZE"),
        ("MEMORY1", "MEMORY"), ("NET0_MCA", "NET0_MAC"), ("VNCDISPLAY", "VNCDISP"), ("NIC2", "NET2"),
        ("KEYMAP1", "KEYMAP"),
        ("APEND", "APPEND"), ("VNC_BIND", "VNCBIND"),
    ])
    func suggestsTheNearest(_ wrong: String, _ meant: String) { #expect(ParamsSchema.nearest(to: wrong) == meant) }

    @Test(arguments: ["X", "", "FLAVOUR", String(repeating: "MEMORY", count: 100)])
    func suggestsNothingFarOff(_ wrong: String) { #expect(ParamsSchema.nearest(to: wrong) == nil) }

    @Test func countsTypingErrors() {
        func distance(_ left: String, _ right: String) -> Int { Nearest.distance(Array(left.utf8), Array(right.utf8)) }
        #expect(distance("", "") == 0)
        #expect(distance("", "abc") == 3)
        #expect(distance("abcd", "acbd") == 1)
        #expect(distance("kitten", "sitting") == 3)
    }
}
