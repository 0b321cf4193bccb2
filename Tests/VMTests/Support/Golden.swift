import Foundation
import Testing

@testable import VMHost

/// Golden files under `Fixtures`. With `UPDATE_GOLDEN=1` in the environment they are written instead of compared; git
/// then shows the diff, for a person to judge.
enum Golden {
    static func path(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).appendingPathComponent("../../Fixtures/\(name)").standardized.path
    }

    static func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path(name))), as: UTF8.self)
    }

    static func expect(_ actual: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try actual.write(toFile: path(name), atomically: true, encoding: .utf8)
            return
        }
        let expected = try read(name)
        guard actual != expected else { return }
        let (old, new) = (expected.components(separatedBy: "\n"), actual.components(separatedBy: "\n"))
        let changes = new.difference(from: old).map { change in
            switch change {
            case .remove(let line, let text, _): "-\(line + 1): \(text)"
            case .insert(let line, let text, _): "+\(line + 1): \(text)"
            }
        }
        Issue.record("\(name) differs:\n\(changes.joined(separator: "\n"))", sourceLocation: sourceLocation)
    }
}
