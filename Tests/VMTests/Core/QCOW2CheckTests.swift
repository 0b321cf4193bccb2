import Testing

@testable import VMCore

@Suite struct QCOW2CheckTests {
    @Test func aSoundImage() throws {
        let check = try #require(
            QCOW2Check(
                output: "{\n    \"image-end-offset\": 262144,\n    \"check-errors\": 0,\n    \"format\": \"qcow2\"\n}\n"
            ))
        #expect(!check.isDamaged && check.description == "no errors" && check.messages.isEmpty)
    }

    /// qemu-img's words and its document come by two ways into one output, in either order.
    @Test(arguments: [
        "ERROR cluster 5 refcount=1 reference=2\n{\n\"corruptions\": 1,\n\"check-errors\": 2,\n\"leaks\": 1\n}\n",
        "{\n\"corruptions\": 1,\n\"check-errors\": 2,\n\"leaks\": 1\n}\nERROR cluster 5 refcount=1 reference=2\n",
    ])
    func aDamagedImage(_ output: String) throws {
        let check = try #require(QCOW2Check(output: output))
        #expect(check.isDamaged && (check.errors, check.leaks) == (3, 1))
        #expect(check.messages == ["ERROR cluster 5 refcount=1 reference=2"])
        #expect(check.description == "3 errors, 1 cluster takes space that nothing uses")
    }

    @Test func aRepairedImage() throws {
        let check = try #require(
            QCOW2Check(output: "{\n\"corruptions-fixed\": 3,\n\"check-errors\": 0,\n\"leaks-fixed\": 1\n}\n"))
        #expect(!check.isDamaged && check.description == "3 errors were repaired, 1 unused cluster was freed")
    }

    /// What ended early has proved nothing.
    @Test(arguments: ["", "qemu-img: Could not open\n", "{\n\"leaks\": 1\n}\n", "{\n\"check-errors\": 0,\n", "}\n{\n"])
    func anythingElseIsNoAnswer(_ output: String) {
        #expect(QCOW2Check(output: output) == nil)
    }
}
