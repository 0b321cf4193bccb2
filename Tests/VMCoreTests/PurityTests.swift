import Foundation
import Testing

@testable import VMHost
@testable import VMLife

/// What a file says and what a plan is must not depend on the machine that works it out: golden files are then the same
/// everywhere.
@Suite struct PurityTests {
    @Test(arguments: ["Params", "Plan", "Plan/Persist", "Doctor"])
    func asksTheHostNothing(_ directory: String) throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/VMCore/\(directory)").standardizedFileURL
        let files = try FileManager.default.contentsOfDirectory(at: sources, includingPropertiesForKeys: nil)
            .filter { !$0.hasDirectoryPath }
        #expect(!files.isEmpty)
        let host =
            /import (Glibc|CLinux|Foundation)\n|FileDescriptor|getenv|ProcessInfo|FileManager|\.now\b|\bUUID\(\)|\.random/
        for file in files {
            let text = try String(contentsOf: file, encoding: .utf8)
            let found = text.firstMatch(of: host).map { String($0.output.0) }
            #expect(found == nil, "\(file.lastPathComponent)")
        }
    }
}
