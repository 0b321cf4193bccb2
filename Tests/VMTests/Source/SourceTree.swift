import Foundation
import Testing

/// This repository's own files, for tests that hold what the compiler can't.
enum SourceTree {
    /// A file or directory, by its path from the top of the tree.
    static func url(_ path: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../../\(path)")
            .standardizedFileURL
    }

    /// Every Swift file below a directory: its name and its text.
    static func swiftFiles(below path: String) throws -> [(name: String, text: String)] {
        let found = try #require(FileManager.default.enumerator(at: url(path), includingPropertiesForKeys: nil))
        return try found.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map {
            ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8))
        }
    }
}
