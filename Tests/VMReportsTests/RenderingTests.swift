import Foundation
import Testing

@testable import VMCore
@testable import VMReports

/// What holds for every report in every format, whatever is in it.
@Suite struct RenderingTests {
    static let words = [
        "web", "", "a\u{1b}[31mb", "a\nb\r\tc", "\u{202e}gnp", "a\u{0}b", "`reboot`", "$(reboot)", "\"q\" \\", "日本",
        "e\u{301}", "\u{7f}\u{9b}", "😀", String(repeating: "long ", count: 800),
    ]

    @Test(arguments: words) func textControlsNoTerminal(_ word: String) throws {
        for report in try Sample.reports(word) {
            let text = report.rendered(as: .text)
            #expect(Printable.escaped(text, keeping: ["\n", "\t"]) == text, "\(report.schema)")
            #expect(text.isEmpty || text.hasSuffix("\n"), "\(report.schema)")
        }
    }

    @Test(arguments: words) func jsonIsOneDocument(_ word: String) throws {
        for report in try Sample.reports(word) {
            let text = report.rendered(as: .json)
            #expect(text.hasSuffix("\n") && Printable.escaped(text, keeping: ["\n"]) == text, "\(report.schema)")
            #expect(try JSON(parsing: Array(text.utf8)) == report.json, "\(report.schema)")
            #expect(report.objects.allSatisfy { $0["schema"] == .string(report.schema.rawValue) })
            let line = report.condensed(as: .json)
            #expect(!line.contains("\n"), "\(report.schema)")
            #expect(try JSON(parsing: Array(line.utf8)) == report.json, "\(report.schema)")
        }
    }

    @Test func onlyTextIsForPeople() {
        #expect(Format.allCases.filter(\.isForPeople) == [.text, .colouredText])
    }

    /// A reader is told the same as was printed, if printing failed.
    @Test func condensedTextIsTheText() throws {
        let report = ConfirmReport([try Sample.bridge], isDryRun: false)
        #expect(report.condensed(as: .text) == report.rendered(as: .text))
        #expect(report.condensed(as: .json) == #"{"bridges":["br0"],"dryRun":false,"schema":"kvmctl.confirm/1"}"#)
    }

    /// Of nothing, a table prints its header, other text nothing, and JSON an empty array.
    @Test func emptyLists() {
        let tables: [any Report] = [
            VMListReport([]) { _ in nil }, KeysReport([]), BridgesReport([], trials: [:]),
        ]
        for report in tables {
            #expect(report.rendered(as: .json) == "[]\n")
            #expect(report.rendered(as: .text).split(separator: "\n").count == 1)
            #expect(report.remarks == [])
        }
        for layout in [IPListReport.Layout.table, .addresses, .namedAddresses] {
            #expect(IPListReport([], layout: layout).rendered(as: .text) == "")
        }
        #expect(IPListReport([], layout: .table).rendered(as: .json) == "[]\n")
        #expect(DoctorReport([]).rendered(as: .text) == "no problems, no warnings\n")
        #expect(DoctorReport([]).rendered(as: .json) == "[]\n")
        #expect(ConfirmReport([], isDryRun: false).rendered(as: .text) == "")
        #expect(VMResults(.stop).rendered(as: .json) == "[]\n")
    }
}
