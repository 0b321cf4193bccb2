import SystemPackage
import Testing

@testable import VMCore
@testable import VMLife

@Suite struct FlightRecordTests {
    private static let greeting = #"{"QMP": {"version": {}}}"# + "\n" + #"{"return": {}}"# + "\n"
    private static func event(_ name: String, _ data: String = "{}") -> String {
        #"{"timestamp": {"seconds": 1, "microseconds": 0}, "event": "\#(name)", "data": \#(data)}"# + "\n"
    }

    @Test(
        arguments: [
            ("", .notStarted), (greeting, .notStarted), (greeting + event("RESUME"), .running),
            (event("RESUME") + event("STOP"), .paused), (event("RESUME") + event("RTC_CHANGE"), .running),
            (event("RESUME") + event("SUSPEND"), .sleeping), (event("SUSPEND") + event("WAKEUP"), .running),
            (
                event("RESUME") + event("SHUTDOWN", #"{"guest": true, "reason": "guest-shutdown"}"#),
                .ended(reason: "guest-shutdown")
            ),
            (event("RESUME") + FlightRecord.killed(at: 5_000_001), .ended(reason: "kvmctl-sigkill")),
            (FlightRecord.adopted(at: 1), .adopted),
            (FlightRecord.adopted(at: 1) + FlightRecord.killed(at: 2), .ended(reason: "kvmctl-sigkill")),
            // Cut short by a power cut, and what a broken disk leaves.
            (event("RESUME") + #"{"timestamp": {"sec"#, .running), (event("RESUME") + "\0\0\0\0", .running),
        ] as [(String, FlightRecord.Phase)])
    func lastWordCounts(_ text: String, _ phase: FlightRecord.Phase) {
        #expect(FlightRecord(Array(text.utf8)).phase == phase)
    }

    @Test func whyItIsPaused() {
        func failure(_ text: String) -> PauseReason? { FlightRecord(Array(text.utf8)).diskFailure }
        let full = Self.event(
            "BLOCK_IO_ERROR", #"{"action": "stop", "nospace": true, "node-name": "disk1-format"}"#)
        let told = Self.event("BLOCK_IO_ERROR", #"{"action": "report", "node-name": "disk1-format"}"#)
        #expect(failure(Self.event("RESUME") + full + Self.event("STOP")) == .noSpace(disk: "DISK1"))
        #expect(
            failure(full + Self.event("RTC_CHANGE") + Self.event("STOP") + Self.event("RTC_CHANGE"))
                == .noSpace(disk: "DISK1"))
        // Somebody resumed it, and paused it later.
        #expect(failure(full + Self.event("STOP") + Self.event("RESUME") + Self.event("STOP")) == nil)
        #expect(failure(full + Self.event("STOP") + Self.event("RESUME")) == nil)
        #expect(failure(Self.event("RESUME") + told + Self.event("STOP")) == nil)
    }
}

@Suite struct QEMUMessagesTests {
    @Test func takesStampsOffAndNamesImages() {
        let log = """
            2026-01-31T12:00:00.000000Z qemu-system-x86_64: -device virtio-blk-pci: Failed to get "write" lock
            Is another process using the image [/dev/fdset/12]?
            """
        let messages = QEMUMessages(
            Array(log.utf8),
            naming: [
                Descriptor(number: 1, role: .image("/vms/wrong", writable: true)),
                Descriptor(number: 12, role: .image("/vms/1/vdisk0", writable: true)),
            ])
        #expect(
            messages.lines == [
                #"qemu-system-x86_64: -device virtio-blk-pci: Failed to get "write" lock"#,
                "Is another process using the image [/vms/1/vdisk0]?",
            ])
        #expect(messages.complaint == .diskInUse)
    }

    @Test func anythingElseIsWhatTheHostLacks() {
        #expect(QEMUMessages(Array("qemu: no such machine\n".utf8)).complaint == nil)
        let complaint = QEMUMessages(Array("qemu: unable to find CPU model 'foo'\n".utf8)).complaint
        #expect(complaint == .noSuchModel)
        #expect(complaint?.code == .unavailable)
        #expect(complaint?.remedy == nil)
    }

    /// The first of several complaints counts, in the order of the table.
    @Test func oneComplaintCounts() {
        let lines = ["qemu: cannot set up guest memory", "qemu: listen: Address already in use"]
        #expect(QEMUComplaint(in: lines) == .addressInUse)
    }
}
