import Foundation
import Testing

@testable import VMCore

/// What guests show, recorded from real ones, and what is made of it.
@Suite struct SymptomTests {
    private static func fixture(_ name: String) throws -> GuestEvidence {
        var evidence = GuestEvidence(vm: try #require(VMName("web")), file: "/vms/web/vm.params")
        let place = SourceTree.url("Tests/VMTests/Fixtures/guests")
        let serial = try? Data(contentsOf: place.appendingPathComponent("\(name).serial"))
        let screen = try? String(contentsOf: place.appendingPathComponent("\(name).screen"), encoding: .utf8)
        try #require(serial != nil || screen != nil, "there is no fixture \(name)")
        evidence.console.take(serial ?? Data())
        if let screen {
            let lines = screen.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            evidence.screen = .text(BootProgress(screen: lines.reversed().drop { $0.isEmpty }.reversed()))
        }
        return evidence
    }

    private static let shown: [(String, BootStage, Symptom.ID?)] = [
        ("grub-prompt", .bootLoader, .grubPrompt), ("grub-prompt-serial", .bootLoader, .grubPrompt),
        ("grub-rescue", .bootLoader, .grubRescue), ("grub-rescue-serial", .bootLoader, .grubRescue),
        ("no-boot-disk", .firmware, .noBootableDevice), ("uefi-shell", .firmware, .uefiShell),
        ("panic-bad-root", .kernel, .panicNoRoot), ("panic-screen", .kernel, .panicNoInit),
        ("panic-init-died", .initramfs, .panicNoInit), ("panic-no-init", .initSystem, .panicNoInit),
        ("panic-sysrq", .kernel, .panic), ("reboot-loop-panic", .kernel, .panicNoRoot),
        ("out-of-memory-panic", .kernel, .panicNoMemory), ("out-of-memory", .unknown, .memoryShort),
        ("initramfs-bad-root", .initramfs, .initramfsShell), ("initramfs-no-virtio", .initramfs, .initramfsShell),
        ("emergency-fstab", .initSystem, .emergencyShell), ("emergency-fstab-locked", .initSystem, .emergencyShell),
        ("rescue-mode", .initSystem, .rescueShell), ("disk-write-error", .unknown, .diskErrors),
        ("clock-off", .initSystem, .clockOff), ("halted", .unknown, .halted), ("debian-up", .up, nil),
        ("acpi-ignored", .initramfs, nil),
        ("screen-only", .initramfs, nil),
    ]

    @Test(arguments: shown) func isRecognised(_ name: String, _ stage: BootStage, _ id: Symptom.ID?) throws {
        let evidence = try Self.fixture(name)
        #expect(evidence.stage == stage)
        let found = evidence.likelyCause(of: [])
        if let id { #expect(found?.symptom.id == id) } else { #expect(found?.symptom.isDeadEnd != true) }
        #expect((evidence.deadEnd != nil) == (found?.symptom.isDeadEnd == true))
    }

    /// A new row needs the guest that proves it.
    @Test func eachSymptomOfTextHasItsGuest() throws {
        for row in Symptoms.all {
            if case .fact = row.evidence { continue }
            let evidence = try Self.fixture(row.proof)
            #expect(evidence.likelyCause(of: [])?.symptom.id == row.id, "\(row.id)")
        }
        #expect(Set(Symptoms.all.map(\.id)) == Set(Symptom.ID.allCases))
        #expect(Symptoms.all.count == Symptom.ID.allCases.count)
    }

    @Test func aPromptTellsTheStageOfAQuietBoot() {
        for (text, stage) in [
            ("error: no such device: 6b1e.\r\ngrub rescue> ", BootStage.bootLoader), ("(initramfs) ", .initramfs),
        ] {
            var boot = BootProgress()
            boot.take(text.utf8)
            #expect(boot.shownStage == stage)
        }
    }

    @Test func aPanicThatEndedQEMUIsTheOneOnTheConsole() throws {
        var evidence = try Self.fixture("out-of-memory-panic")
        (evidence.state, evidence.endReason) = (.crashed, "guest-panic")
        #expect(evidence.deadEnd?.symptom.id == .panicNoMemory)
        #expect(evidence.deadEnd?.line != nil)
    }

    @Test func aGuestThatGoesOnHasNotPanicked() throws {
        var evidence = try Self.fixture("panic-bad-root")
        #expect(evidence.isSaidToHavePanicked && !evidence.isSeenToHavePanicked)
        evidence.isFrozen = true
        #expect(evidence.isSeenToHavePanicked)
        evidence.isFrozen = false
        #expect(evidence.deadEnd?.symptom.id == .panicNoRoot)
        evidence.isIdle = true
        #expect(evidence.deadEnd == nil && !evidence.isSeenToHavePanicked && evidence.isSaidToHavePanicked)
        (evidence.isIdle, evidence.agent) = (false, .answers)
        #expect(evidence.deadEnd == nil && evidence.complaints.allSatisfy { !$0.symptom.isDeadEnd })
        // What asks for a command waits for that, and is no less stuck.
        evidence = try Self.fixture("emergency-fstab")
        evidence.isIdle = true
        #expect(evidence.deadEnd?.symptom.id == .emergencyShell)
        evidence.agent = .answers
        #expect(evidence.deadEnd == nil && evidence.isSaidToBeStuck)
        // QEMU's word is proof.
        evidence = try Self.fixture("panic-bad-root")
        (evidence.isIdle, evidence.agent, evidence.state, evidence.endReason) = (
            true, .answers, .crashed, "guest-panic"
        )
        #expect(evidence.deadEnd?.symptom.id == .panicNoRoot)
    }

    @Test func linesOfProgramsAfterAPanicRefuteIt() throws {
        let panic = """
            [    5.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)
            [    5.2] ---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0) ]---

            """
        func isStuck(after lines: [String]) -> Bool {
            var evidence = GuestEvidence(vm: VMName("web")!, file: "/vms/web/vm.params")
            evidence.console.take((panic + lines.joined(separator: "\n") + "\n").utf8)
            return evidence.deadEnd != nil
        }
        #expect(isStuck(after: []))
        // What waited in the port's buffer, and what the kernel itself says.
        #expect(isStuck(after: ["starting web", "", "done"]))
        #expect(isStuck(after: (0..<40).map { "[    6.\($0)] CPU: \($0)" }))
        #expect(!isStuck(after: (0..<12).map { "web: request \($0)" }))
    }

    @Test func whatTheGuestGotPastDoesNotCount() throws {
        var boot = BootProgress()
        let panic = try #require(Symptoms.row(.panic))
        boot.take("Linux version 6.1\nKernel panic - not syncing: x\n".utf8)
        #expect(boot.shows(panic) != nil && boot.stage == .kernel)
        // It rebooted, and no longer says so.
        boot.take("Linux version 6.1\n[    0.1] fine\n".utf8)
        #expect(boot.shows(panic) == nil && boot.stage == .kernel && boot.reboots == 1)
        boot.take("vm login: ".utf8)
        #expect(boot.shownStage == .up)
        boot.take("root\nPassword: ".utf8)
        #expect(boot.shownStage == .up)
        // A panic of one that was up.
        boot.take("\nKernel panic - not syncing: y\n".utf8)
        #expect(boot.shows(panic)?.hasSuffix("y") == true)
        boot.restart()
        #expect(boot.shows(panic) == nil && boot.stage == .unknown)
    }

    @Test func aPromptCountsWhileItIsTheLastLine() throws {
        var evidence = try Self.fixture("grub-prompt-serial")
        evidence.console.take("boot\r\nLinux version 6.1.0\r\n".utf8)
        #expect(evidence.deadEnd == nil && evidence.stage == .kernel)
        // The screen keeps what the boot loader left there.
        evidence.screen = try Self.fixture("grub-prompt").screen
        #expect(evidence.deadEnd == nil)
    }

    @Test func emergencyModeIsNotUp() throws {
        var boot = BootProgress()
        boot.take("[  OK  ] Reached target emergency.target - Emergency Mode.\nStartup finished in 9s.\n".utf8)
        #expect(boot.stage == .initSystem && boot.shownStage == .initSystem)
    }

    @Test func factsAreJudged() throws {
        let fine = try Self.fixture("acpi-ignored")
        func id(_ change: (inout GuestEvidence) -> Void, _ waited: [WaitCondition] = [.boot]) -> Symptom.ID? {
            var evidence = fine
            change(&evidence)
            return evidence.likelyCause(of: waited)?.symptom.id
        }
        #expect(
            id {
                $0.state = .stopped; $0.endReason = "guest-shutdown"
            } == .poweredOff)
        #expect(
            id {
                $0.state = .stopped; $0.endReason = "host-qmp-quit"
            } == .stopped)
        #expect(id { $0.state = .crashed } == .crashed)
        #expect(
            id {
                $0.state = .crashed; $0.endReason = "guest-panic"
            } == .panic)
        #expect(
            id {
                $0.state = .suspended; $0.endReason = "host-qmp-quit"
            } == .suspended)
        #expect(
            id {
                $0.state = .paused; $0.pause = .noSpace(disk: "DISK0")
            } == .pausedByQEMU)
        #expect(id { $0.state = .paused } == .paused)
        #expect(id { $0.isFrozen = true } == .frozen)
        #expect(id { $0.reboots = [1, 9_000_000, 18_000_000] } == .rebootLoop)
        #expect(id { $0.reboots = [1, 9_000_000] } == nil)
        #expect(id { $0.reboots = [1, 9_000_000, 3_600_000_000] } == nil)
        #expect(id({ $0.ports[22] = .refused }, [.tcp(22)]) == .portRefused)
        #expect(id({ $0.ports[22] = .silent }, [.tcp(22)]) == .portSilent)
        #expect(id({ $0.agent = .silent }, [.agent]) == .agentSilent)
        #expect(
            id(
                {
                    $0.agent = .absent; $0.console.take("[  OK  ] x\n".utf8)
                }, [.agent]) == .agentAbsent)
        let screen = try Self.fixture("screen-only").screen
        #expect(
            id {
                $0.console = BootProgress(); $0.screen = screen
            } == .consoleElsewhere)
        #expect(
            id {
                $0.console = BootProgress(); $0.screen = .unseen
            } == .nothingShown)
    }

    @Test func theFirmwareTellsWhatItBooted() throws {
        var evidence = GuestEvidence(vm: try #require(VMName("web")), file: "/vms/web/vm.params")
        let begins = "SeaBIOS (version 1.16.2)\nFound QEMU fw_cfg\nBooting from Hard Disk...\n"
        evidence.firmware.take(begins.utf8)
        #expect(evidence.firmware.booted == nil && evidence.stage == .firmware)
        #expect(evidence.likelyCause() == nil)
        evidence.firmware.take("Booting from 0000:7c".utf8)
        evidence.firmware.take("00\nset VGA mode 13\n".utf8)
        #expect(evidence.firmware.booted == "Hard Disk" && evidence.stage == .bootLoader)
        #expect(evidence.likelyCause()?.symptom.id == .bootedSilently)
        #expect(evidence.likelyCause()?.cause.contains("booted from Hard Disk") == true)
        // So much is no boot loader's: what came before is no longer seen.
        var talkative = evidence
        for number in 1...10_000 { talkative.console.take("line \(number)\n".utf8) }
        #expect(talkative.stage == .unknown)
        // A boot menu is not nothing.
        evidence.screenReached = .bootLoader
        #expect(evidence.likelyCause() == nil)
    }

    @Test func theFirmwareTellsThatThereIsNothingToBoot() throws {
        var evidence = GuestEvidence(vm: try #require(VMName("web")), file: "/vms/web/vm.params")
        let failed = "Booting from Hard Disk...\nBoot failed: not a bootable disk\n\nNo bootable device.\n"
        evidence.firmware.take("SeaBIOS (version 1.16.2)\n\(failed)".utf8)
        #expect(evidence.firmware.booted == nil && evidence.deadEnd?.symptom.id == .noBootableDevice)
        // The next boot, of which the log goes on.
        evidence.firmware.take("SeaBIOS (version 1.16.2)\n".utf8)
        #expect(evidence.deadEnd == nil && evidence.stage == .firmware)
        evidence.firmware.take(failed.utf8)
        // Whatever a guest writes there, it is no further than to its boot code.
        evidence.firmware.take("Linux version 6.1\nweb login: \n".utf8)
        #expect(evidence.stage == .firmware)
        // Once it is further, that is past.
        evidence.console.take("Linux version 6.1\n".utf8)
        #expect(evidence.deadEnd == nil)
    }

    @Test func resetsOfOneRebootAreOne() {
        var count = RebootCount()
        for time: Int64 in [71, 120, 125, 208, 7870, 7927, 7928, 21384] { count.add(time * 1000) }
        #expect(count.times == [71_000, 7_870_000, 21_384_000])
    }

    @Test(arguments: [
        ("running", WaitCondition.running), ("tcp:22", .tcp(22)), ("serial:/a/b/", .serial("a/b")), ("boot", .boot),
    ])
    func conditions(_ text: String, _ condition: WaitCondition) throws {
        #expect(try OptionValue.condition(text) == condition)
        #expect(condition.description == text)
    }

    @Test(arguments: ["", "tcp:0", "tcp:70000", "tcp", "serial:x", "serial:/", "serial://", "up", "Boot"])
    func noConditions(_ text: String) {
        #expect(throws: OptionValue.Fault.self) { try OptionValue.condition(text) }
    }
}
