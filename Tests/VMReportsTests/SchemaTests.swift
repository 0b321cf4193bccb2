import Foundation
import Testing

@testable import VMCore
@testable import VMReports

@Suite struct SchemaTests {
    /// The sections of docs/json.md, each by its title: the names of schemas, and others.
    private static func sections() throws -> [String: Substring] {
        let file = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../docs/json.md").standardizedFileURL
        let parts = try String(contentsOf: file, encoding: .utf8).split(separator: "\n## ").dropFirst()
        return Dictionary(uniqueKeysWithValues: parts.map { (String($0.prefix { $0 != "\n" }), $0) })
    }

    /// The keys in the first column of a section's tables.
    private static func keys(of section: Substring) -> Set<String> {
        let cells = section.split(separator: "\n").filter { $0.hasPrefix("| `") }
            .compactMap { $0.split(separator: "|").first }
        return Set(cells.flatMap { $0.matches(of: #/`(\w+)`/#).map { String($0.1) } })
    }

    @Test func eachIsDocumentedAndNoOther() throws {
        let sections = try Self.sections()
        let schemas = Set(Schema.allCases.map(\.rawValue))
        #expect(Set(sections.keys).subtracting(["Failures"]) == schemas)
        let named = sections.values.flatMap { $0.matches(of: #/kvmctl\.\w+\/\d+/#).map { String($0.0) } }
        #expect(Set(named) == schemas)
    }

    /// Every report has the keys that its schema's section lists: no key is missing, and none is undocumented.
    @Test func reportsHaveTheDocumentedKeys() throws {
        let sections = try Self.sections()
        for report in try Sample.reports("web") {
            let section = try #require(sections[report.schema.rawValue])
            for object in report.objects {
                let keys = Set(object.keys).subtracting(["schema"])
                // Those that only `show` has.
                let paths =
                    report is VMListReport || report is NamesReport
                    ? try Set(VMReport(Sample.entry("web"), age: nil).members.keys).subtracting(keys) : []
                #expect(keys == Self.keys(of: section).subtracting(paths), "\(report.schema)")
            }
        }
    }

    @Test func aSampleHasEachSchema() throws {
        #expect(Set(try Sample.reports("web").map(\.schema)) == Set(Schema.allCases))
    }
}

extension Report {
    /// The objects of its JSON.
    var objects: [Members] {
        (json.array ?? [json]).compactMap { if case .object(let members) = $0 { members } else { nil } }
    }
}
