import Testing

/// A failure to look is not an absence: the checks whether a VM runs, and whose it is, may fail, and `try?` would turn
/// that failure into "not there".
@Suite struct AbsenceTests {
    /// The checks, and the files where their failure may be dropped: there it only decides how much a message says, or
    /// it is taken for the worse case.
    private static let allowed: [String: Set<String>] = [
        #"(Manifest\.(read|text)|\.manifest\(\))"#: ["VMIndex.swift"],
        #"FlightRecord\.(read|vncServer)"#: [],
        #"(startedNames\(\)|everStarted\(\)|site\.started)"#: ["FailedStart.swift", "VMIndex.swift"],
        #"observe\([^)]*\)\.isAlive"#: [],
        #"OrphanedQEMU\."#: ["OtherUsers.swift"],
        #"life\.signs\("#: [],
        #"signer"#: ["RuntimeDirectory.swift"],
        #"ProcessHandle\.hold"#: [],
        #"[dD]aemon\.?(isRunning|process)\(\)"#: [],
        #"isSameFile"#: ["DiskClaims.swift"],
    ]

    @Test(arguments: ["VMHost", "VMLife"]) func failuresToLookAreNotDropped(_ target: String) throws {
        let files = try SourceTree.swiftFiles(below: "Sources/\(target)")
        #expect(files.count > 40)
        for (name, text) in files {
            for (question, places) in Self.allowed where !places.contains(name) {
                let dropped = try Regex("try\\? (await )?[A-Za-z.(]*" + question)
                #expect(text.firstMatch(of: dropped) == nil, "\(name): \(question)")
            }
            // By its state alone, an `unknown` VM looks like one that has ended.
            let blind = try text.firstMatch(of: Regex(#"observe\([^)]*\)\.state\.isAlive"#))
            #expect(
                blind == nil || ["LogReader.swift", "PlanningContext.swift", "VMIndex.swift"].contains(name), "\(name)")
        }
    }
}
