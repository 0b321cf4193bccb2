import Foundation
import Testing

/// "Could not look" is not "is not there": what tells whether a VM runs, and whose it is, may fail, and `try?` would make that
/// failure an absence.
@Suite struct AbsenceTests {
    /// What is asked, and where its failure may be dropped: nothing is decided there but how much a message says, or the
    /// failure counts for the worse.
    private static let allowed: [String: Set<String>] = [
        #"Manifest\.read"#: ["FailedStart.swift"],
        #"FlightRecord\.(read|vncServer)"#: [],
        #"startedNames\(\)"#: ["FailedStart.swift"],
        #"Observation\([^)]*\)\.isAlive"#: [],
        #"StrayMachine\."#: ["Others.swift"],
        #"life\.signs\("#: [],
        #"signer"#: ["RuntimeDirectory.swift"],
        #"ProcessHandle\.hold"#: [],
        #"[dD]aemon\.?(isRunning|process)\(\)"#: [],
        #"isSameFile"#: ["DiskClaims.swift"],
    ]

    @Test(arguments: ["VMHost", "VMLife"]) func failuresToLookAreNotDropped(_ target: String) throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/\(target)").standardizedFileURL
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
            .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
        #expect(files.count > 40)
        for file in files {
            let text = try String(contentsOf: file, encoding: .utf8)
            for (question, places) in Self.allowed where !places.contains(file.lastPathComponent) {
                let dropped = try Regex("try\\? (await )?[A-Za-z.(]*" + question)
                #expect(text.firstMatch(of: dropped) == nil, "\(file.lastPathComponent): \(question)")
            }
            // Of a state alone `unknown` looks like one that has ended.
            let blind = try text.firstMatch(of: Regex(#"Observation\([^)]*\)\.state\.isAlive"#))
            #expect(blind == nil || file.lastPathComponent == "FailedStart.swift", "\(file.lastPathComponent)")
        }
    }
}
