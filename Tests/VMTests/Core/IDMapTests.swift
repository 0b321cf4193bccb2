import Testing

@testable import VMCore

@Suite struct IDMapTests {
    @Test(arguments: [
        ("         0          0 4294967295\n", true, "0 to 4294967294"), ("0 100000 65536\n", false, "0 to 65535"),
        ("0 0 1\n", false, "0"), ("", false, ""),
        ("0 100000 65536\n1900000000 1900000000 65536\n", true, "0 to 65535, 1900000000 to 1900065535"),
        ("1900000000 5 65535\n", false, "1900000000 to 1900065534"),
        // In pieces, and in any order.
        (
            "1900001000 7 65000\n0 1 9\n1899999999 5 1001\n", true,
            "1900001000 to 1900065999, 0 to 8, 1899999999 to 1900000999"
        ),
        ("1900000000 1 5\n1900000006 1 65536\n", false, "1900000000 to 1900000004, 1900000006 to 1900065541"),
        ("nonsense\n1 2\n4294967295 0 2\n-1 0 5\n", false, ""),
    ])
    func tellsWhatThereIs(_ text: String, _ hasPool: Bool, _ words: String) {
        let map = IDMap(parsing: text)
        #expect(map.contains(UIDPool.range) == hasPool)
        #expect(map.description == words)
    }

    @Test func anIDIsInOneOfTheRanges() {
        let map = IDMap(parsing: "0 100000 1000\n65534 7 1\n")
        #expect(map.contains(0) && map.contains(999) && map.contains(65534))
        #expect(!map.contains(1000) && !map.contains(65535) && !map.contains(UInt32.max))
    }
}
