import BridgeNet
import SystemPackage
import Testing

@testable import VMCore

/// A cause is a case: code that depends on why something failed asks a value. Words are for people, and are made in one
/// place.
@Suite struct CauseTests {
    /// Comparing, cutting or searching the words of an error, or of another program.
    private static let readings = [
        #"\.(cause|summary|reason|details|remedy|printed|stderr)\s*[!=]="#,
        #"\b(cause|summary|reason|details|printed)\)?\.(contains|hasPrefix|hasSuffix|starts|trimmingPrefix|firstRange|split|drop)"#,
        #"\b(error|failure|fault|refusal|obstacle)\.description\.(contains|hasPrefix|hasSuffix|starts|split|drop)"#,
        #""\\\((error|failure|fault|refusal|obstacle)\)"\s*[!=]="#,
    ]

    /// What reads the words of programs that have no codes, and why.
    private static let allowed: Set<String> = [
        // QEMU's: the only place for them.
        "QEMUComplaint.swift", "ProcessorFacts.swift", "ProcessorProbe.swift",
    ]

    @Test func noCodeReadsTheWordsOfAnError() throws {
        let patterns = try Self.readings.map { try Regex($0) }
        for (name, text) in try SourceTree.swiftFiles(below: "Sources") where !Self.allowed.contains(name) {
            for pattern in patterns {
                for found in text.matches(of: pattern) { Issue.record("\(name): \(text[found.range])") }
            }
        }
    }

    /// A case that says why something is not possible has no text as its value, but cases of its own: text could only
    /// be compared as text.
    @Test func noCauseIsText() throws {
        let names = "un(?!known)|no|bad|fail|refus|den|reject|malform|obstacl|broken"
        let payload = try Regex(#"case (\#(names))[A-Za-z]*\(((cause|reason|why|words): )?String\)"#)
        // A kernel's answer can be malformed in as many ways as it has bytes, and only the author of the bug reads how.
        let allowed = "NetworkError.swift"
        for (name, text) in try SourceTree.swiftFiles(below: "Sources") where name != allowed {
            if let found = text.firstMatch(of: payload) { Issue.record("\(name): \(text[found.range])") }
        }
    }

    @Test func oneConditionIsReportedOnce() throws {
        let params = try #require(
            VMParams.parse(
                Array(
                    "DISK0=/a\nDISK0_READONLY=yes\nCDROM0=/a\nCDROM1=/b\nNET0=bridge:br7\nNET1=bridge:br7\nVNCDISP=none\n"
                        .utf8),
                file: "/vms/1/vm.params"
            ).params)
        var facts = HostFacts(
            isRoot: true, machineID: "", qemu: QEMUFacts(unasked: "/usr/bin/qemu"), kvm: .works, ioUring: true,
            vhostNet: true, credentials: .caller)
        facts.images = ["/a": .missing(directIO: true), "/b": .missing(directIO: true)]
        #expect(throws: PlanRefusal.self) { try LaunchPlan(params, facts: facts) }
        do throws(PlanRefusal) { _ = try LaunchPlan(params, facts: facts) } catch {
            #expect(
                error.problems.map(\.condition) == [
                    .file("/a", .absent), .file("/b", .absent), .bridge(try #require(DeviceName("br7")), .absent),
                ])
            // Each at the first line that it hits.
            #expect(error.problems.map(\.subject).allSatisfy { !$0.contains("CDROM0") && !$0.contains("NET1") })
        }
    }
}
