import BridgeNet
import Testing

@testable import VMCore

/// What the doctor makes of one look at a guest.
@Suite struct GuestChecksTests {
    private static func evidence(_ console: String = "", _ change: (inout GuestEvidence) -> Void = { _ in }) throws
        -> GuestEvidence
    {
        var evidence = GuestEvidence(vm: try #require(VMName("web")), file: "/vms/web/vm.params")
        evidence.console.take(console.utf8)
        change(&evidence)
        return evidence
    }

    private func found(_ evidence: GuestEvidence) -> [String] {
        GuestChecks.findings(of: evidence).map { "\($0.severity): \($0.text)" }
    }

    @Test func oneLineIfAllIsWell() throws {
        let up = try Self.evidence("web login: ") { $0.agent = .absent }
        #expect(found(up) == ["ok: up: its console shows that it is up; guest agent: none runs in the guest"])
        #expect(found(try Self.evidence { $0.agent = .answers }) == ["ok: up: the guest agent answers"])
        let booting = try Self.evidence("Linux version 6.1\n") { $0.agent = .absent }
        #expect(found(booting) == ["ok: running, last stage: kernel; guest agent: none runs in the guest"])
    }

    @Test func theWorstFirstAndThePlaceOnce() throws {
        let both = try Self.evidence("I/O error, dev vda\nKernel panic - not syncing: `reboot`\n")
        let findings = GuestChecks.findings(of: both)
        #expect(findings.map(\.severity) == [.problem, .warning])
        #expect(findings.map { $0.guest?.symptom } == [.panic, .diskErrors])
        #expect(findings.map { $0.text.contains("last stage: kernel") } == [true, false])
        #expect(findings[0].text.contains("it says: Kernel panic - not syncing: \\x60reboot\\x60"))
    }

    @Test func oneSymptomOfAPanic() throws {
        let panic = try Self.evidence("Unable to mount root fs\nKernel panic - not syncing: x\n")
        #expect(GuestChecks.findings(of: panic).map { $0.guest?.symptom } == [.panicNoRoot])
    }

    @Test func howTheLastRunEnded() throws {
        func ended(_ state: VMState, _ reason: String?, _ console: String = "") throws -> [String] {
            found(
                try Self.evidence(console) {
                    ($0.state, $0.endReason) = (state, reason)
                })
        }
        #expect(try ended(.stopped, nil) == ["ok: not running"])
        #expect(
            try ended(.stopped, "guest-shutdown", "web login: ") == [
                "ok: not running: it powered itself off; last stage: up"
            ])
        #expect(try ended(.suspended, "host-qmp-quit") == ["ok: not running: it was suspended"])
        #expect(
            try ended(.stopped, "host-qmp-quit", "(initramfs) ") == [
                "warning: not running: it was stopped (QEMU was told to quit); last stage: initramfs; in its last run "
                    + "its initramfs did not find the root file system, and waits at a shell; it says: (initramfs)"
            ])
        #expect(
            try ended(.crashed, "guest-panic", "Kernel panic - not syncing: x\n") == [
                "problem: not running: its kernel panicked; last stage: kernel; it says: Kernel panic - not syncing: x"
            ])
        #expect(try ended(.crashed, nil) == ["problem: not running: it crashed"])
    }

    @Test func aClockThatIsOff() throws {
        func clock(_ seconds: Int) throws -> [String] {
            found(
                try Self.evidence {
                    ($0.agent, $0.clockError) = (.answers, .seconds(seconds))
                })
        }
        #expect(try clock(5) == ["ok: up: the guest agent answers"])
        #expect(try clock(-50)[0].hasPrefix("warning: its clock is 50 s behind the host's; "))
        #expect(try clock(-7300)[0].hasPrefix("warning: its clock is 2 hours behind the host's; up: "))
        #expect(try clock(90)[0].hasPrefix("warning: its clock is 90 s ahead of the host's; "))
        #expect(try clock(-86_400 * 6000)[0].hasPrefix("warning: its clock is 6000 days behind "))
    }

    @Test func aPowerButtonThatIsIgnored() throws {
        func pressed(_ ago: Int, silentFor: Int?) throws -> Bool {
            let evidence = try Self.evidence("web login: ") {
                ($0.sincePowerButton, $0.silentFor) = (.seconds(ago), silentFor.map { .seconds($0) })
            }
            let found = evidence.likelyCause(of: [.stopped])
            if let found { #expect(found.cause.hasSuffix(": that was \(ago) s ago")) }
            return found?.symptom.id == .acpiIgnored
        }
        #expect(try pressed(9, silentFor: 100) && pressed(9, silentFor: nil))
        // It is shutting down, or may be about to.
        #expect(try !pressed(60, silentFor: 50) && !pressed(7, silentFor: 100))
    }
}
