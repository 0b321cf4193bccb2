import Testing

@testable import VMReports

@Suite struct TableTests {
    private struct Rows: Report {
        var table: Table
        var schema: Schema { .vm }
        var content: Content { .array([]) }
        var text: [TextBlock] { [.table(table)] }
    }

    private func text(_ rows: [String]...) -> String {
        var table = Table("A", "BB")
        for row in rows { table.add(row) }
        return Rows(table: table).rendered(as: .text)
    }

    @Test func columnsAreAligned() {
        #expect(text() == "A  BB\n")
        #expect(text(["abc", "d"], ["", "e"]) == "A    BB\nabc  d\n     e\n")
    }

    /// A cell is one line, whatever is in it, and its escaped form decides the width.
    @Test func cellsAreOneLine() {
        #expect(text(["a\nb", "c\td"]) == "A       BB\na\\x0ab  c\\x09d\n")
        #expect(text(["\u{1b}[2J", "x"]) == "A        BB\n\\x1b[2J  x\n")
    }

    @Test func charactersCountNotBytes() {
        #expect(text(["é", "x"], ["ab", "y"]) == "A   BB\né   x\nab  y\n")
    }

    @Test(arguments: [
        (0, "0s"), (59, "59s"), (60, "1m0s"), (3599, "59m59s"), (3600, "1h0m"), (86_399, "23h59m"),
        (86_400, "1d0h"), (1_000_000, "11d13h"),
    ])
    func durations(_ seconds: Int, _ text: String) { #expect(Duration.seconds(seconds).short == text) }
}
