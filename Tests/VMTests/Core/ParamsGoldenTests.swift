import FoundationEssentials
import SystemPackage
import Testing

@testable import VMCore

/// Files with one fault each, and the whole message for each of them. `UPDATE_GOLDEN=1 swift test` rewrites the
/// messages; then read what changed as a user would who has to act on it.
@Suite struct ParamsGoldenTests {
    static let folder = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .appending("Fixtures/bad-params")
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? [])
        .filter { $0.hasSuffix(".params") }.map { String($0.dropLast(".params".count)) }.sorted()

    @Test func thereAreEnough() { #expect(Self.names.count >= 70) }

    @Test(arguments: names)
    func says(_ name: String) throws {
        let source = Self.folder.appending(name + ".params")
        let golden = Self.folder.appending(name + ".expected")
        let bytes = try Data(contentsOf: URL(filePath: source.string))
        let report = VMParams.parse(Array(bytes), file: "/vms/1/vm.params").shown + "\n"
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try Data(report.utf8).write(to: URL(filePath: golden.string))
            return
        }
        let expected = String(decoding: try Data(contentsOf: URL(filePath: golden.string)), as: UTF8.self)
        #expect(report == expected, "\(Self.difference(expected, report))")
        let safe = report.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }
        #expect(safe, "a control character in the report")
    }

    /// Both texts, line by line, with the differences marked.
    static func difference(_ expected: String, _ found: String) -> String {
        let old = expected.split(separator: "\n", omittingEmptySubsequences: false)
        let new = found.split(separator: "\n", omittingEmptySubsequences: false)
        return (0..<max(old.count, new.count)).map { index in
            let (was, now) = (index < old.count ? old[index] : nil, index < new.count ? new[index] : nil)
            if was == now { return "  \(was ?? "")" }
            return [was.map { "- \($0)" }, now.map { "+ \($0)" }].compactMap(\.self).joined(separator: "\n")
        }.joined(separator: "\n")
    }
}

extension ParsedParams {
    /// What a command says about the file.
    var shown: String { error?.description ?? warning ?? "" }
}
