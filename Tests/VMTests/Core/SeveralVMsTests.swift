import Testing

@testable import VMCore

/// The names and the list of several new VMs.
@Suite struct SeveralVMsTests {
    @Test(arguments: [
        ("lab-%d", ["lab-1", "lab-2", "lab-3"]), ("lab-%02d", ["lab-01", "lab-02", "lab-03"]),
        ("%09d.x", ["000000001.x", "000000002.x", "000000003.x"]), ("./d/v%d", ["./d/v1", "./d/v2", "./d/v3"]),
    ])
    func names(pattern: String, names: [String]) throws {
        #expect(try NamePattern(pattern).names(3) == names)
    }

    @Test func aNumberMayBeLongerThanItsPlace() throws {
        #expect(try NamePattern("v%01d").name(10) == "v10" && NamePattern("v%02d").name(1000) == "v1000")
    }

    @Test(arguments: [
        "", "lab", "lab-%", "lab-%s", "lab-%2d", "lab-%x", "%d-%d", "%%d", "%d%%", "lab-%-2d", "lab-%00d", "lab-%012d",
        "lab-%ld", "lab-%1$d", "lab-%02", "lab-% d", "lab-%+d", "lab-%٢d",
    ])
    func noPattern(text: String) throws {
        let error = try #require(throws: VMError.self) { try NamePattern(text) }
        #expect(error.code == .usage && error.remedy?.description.contains("%02d") == true)
    }

    /// Who stands on each, and the order in which they can be removed.
    @Test(
        arguments: [
            ([], []), ([[], [], []], [0, 1, 2]),
            // A template before its VMs, among others.
            ([[], [2, 3], [], []], [0, 2, 3, 1]), ([[1], [2], []], [2, 1, 0]), ([[2, 1], [2], []], [2, 1, 0]),
            ([[], [0]], [0, 1]),
            // A circle has no order, and hides none of them.
            ([[1], [0], []], [1, 0, 2]), ([[0], [9]], [0, 1]),
        ] as [([Set<Int>], [Int])])
    func removedAfterWhatStandsOnIt(standing: [Set<Int>], order: [Int]) {
        #expect(RemovalOrder.of(standing) == order)
    }

    @Test func aLongChainIsRemovedFromItsEnd() {
        let chain = (0..<100_000).map { Set([$0 + 1]) }
        #expect(RemovalOrder.of(chain) == (0..<100_000).reversed())
    }

    private func rows(_ text: String) throws -> [[String]] { try CSVText(text).rows.map(\.fields) }

    /// RFC 4180, 2.
    @Test(arguments: [
        ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]), ("a,b\nc,d", [["a", "b"], ["c", "d"]]), ("", []),
        ("a,\n,b\n", [["a", ""], ["", "b"]]), ("a\n\n\r\nb\n", [["a"], ["b"]]), ("a\r", [["a"]]),
        (#""a,b","c""d","e"# + "\nf\"\n", [["a,b", #"c"d"#, "e\nf"]]), (#""""# + ",x", [["", "x"]]),
        ("\u{feff}NAME,CPUS\nä,2", [["NAME", "CPUS"], ["ä", "2"]]), (" a , b", [[" a ", " b"]]),
        ("#x,\"\na,#b\r\n# y\r\n\"#c\",d\n#", [["a", "#b"], ["#c", "d"]]),
    ])
    func separatedByCommas(text: String, fields: [[String]]) throws {
        #expect(try rows(text) == fields)
    }

    @Test(arguments: [
        ("a,b\nc,\"d\n", 2, 2, "its quote is not closed"), ("a\"b,c", 1, 1, "has a quote, and does not begin with one"),
        ("x\n\"a\" ,b", 2, 1, "something follows the quote"), ("\"a\"\rb", 1, 1, "something follows the quote"),
        ("\"", 1, 1, "its quote is not closed"),
    ])
    func noFields(text: String, row: Int, column: Int, cause: String) throws {
        let fault = try #require(throws: CSVText.Fault.self) { try CSVText(text) }
        #expect(fault.row == row && fault.column == column && fault.cause.hasPrefix(cause))
    }

    private func list(_ text: String) throws(VMError) -> VMList { try VMList(text, of: "hosts.csv") }

    @Test func aList() throws {
        let list = try list("NAME, MAC,DESCRIPTION\nweb,52:54:00:00:00:01,\"it's a, b\"\n\n db ,,\n")
        #expect(list.rows.map(\.name.description) == ["web", "db"])
        #expect(list.rows[0].cells.map { "\($0.edit.key)" } == ["MAC", "DESCRIPTION"])
        #expect(list.rows[0].cells.map(\.edit.value) == ["52:54:00:00:00:01", "it's a, b"])
        #expect(list.rows[0].cells.map(\.place) == ["hosts.csv: row 2, column 2", "hosts.csv: row 2, column 3"])
        #expect(list.rows[1].cells == [])
    }

    @Test(arguments: [
        ("", "hosts.csv: is empty"), ("\n\n", "hosts.csv: is empty"), ("NAME\n", "hosts.csv: has a header, and no row"),
        ("CPUS\n2\n", "hosts.csv: row 1: the header has no column NAME"),
        ("NAME,MEMROY\nweb,1G\n", "hosts.csv: row 1, column 2: 'MEMROY' is not a key of vm.params"),
        ("NAME;CPUS\nweb;2\n", "hosts.csv: row 1: has semicolons between its fields"),
        ("NAME,\nweb,\n", "hosts.csv: row 1, column 2: the header names no key here"),
        ("NAME,MAC,NET0_MAC\n", "hosts.csv: row 1, column 3: NET0_MAC is a column already"),
        ("NAME,CPUS\nweb\n", "hosts.csv: row 2: has 1 field, and the header has 2"),
        ("NAME,CPUS\n,2\n", "hosts.csv: row 2, column 1: the VM has no name"),
        ("NAME\n../x\n", "hosts.csv: row 2, column 1: '../x' can't be a VM's name"),
        ("NAME\nweb\ndb\nweb\n", "hosts.csv: row 4: web is the name in row 2 too"),
        ("NAME,TAGS\nweb,\"a\nb\"\n", "hosts.csv: row 2, column 2: TAGS: "),
        ("NAME\n\"web\n", "hosts.csv: row 2, column 1: its quote is not closed"),
    ])
    func noList(text: String, summary: String) throws {
        let error = try #require(throws: VMError.self) { try list(text) }
        #expect(error.code == .badData && error.summary.hasPrefix(summary), "\(error)")
    }

    @Test func everyFaultOfAList() throws {
        let error = try #require(throws: VMError.self) { try list("NAME,CPUS\n,2\nweb\n") }
        #expect(error.summary == "hosts.csv: 2 things are wrong with it" && error.details.count == 2)
        let many = try #require(throws: VMError.self) { try list("NAME\n" + String(repeating: "-\n", count: 50)) }
        #expect(many.details.count == 11 && many.details.last == "… and 40 more")
    }
}
