import Testing

@testable import VMCore

@Suite struct HistoryTests {
    private func event(_ line: String) throws -> VMEvent { try #require(VMEvent(line: Array(line.utf8))) }

    @Test(arguments: [
        (#"{"event":"RESET","data":{"guest":true,"reason":"guest-reset"}}"#, "the guest rebooted"),
        (#"{"event":"RESET","data":{"guest":false}}"#, "reset"),
        (#"{"event":"SHUTDOWN","data":{"guest":true,"reason":"guest-shutdown"}}"#, "the guest shut down"),
        (#"{"event":"SHUTDOWN","data":{"reason":"kvmctl-sigkill"}}"#, "QEMU did not quit and was killed"),
        (
            #"{"event":"BLOCK_IO_ERROR","data":{"node-name":"disk0-format","action":"stop","nospace":true,"reason":"x"}}"#,
            "paused: no space left for DISK0"
        ),
        (
            #"{"event":"BLOCK_IO_ERROR","data":{"device":"disk0","action":"report","operation":"read","reason":"bad"}}"#,
            "read error on disk0: bad"
        ),
        (
            #"{"event":"start","source":"kvmctl","data":{"by":{"user":"root","sudo":"ann"}}}"#,
            "started by ann, as root"
        ),
        (#"{"event":"start","source":"kvmctl","data":{"by":{"user":"root","service":true}}}"#, "started by systemd"),
        (#"{"event":"reset","source":"kvmctl","data":{"by":{"user":"ann"}}}"#, "reset by ann"),
        (#"{"event":"nmi","source":"kvmctl","data":{"by":{"user":"ann"}}}"#, "sent a non-maskable interrupt by ann"),
        (#"{"event":"stop","source":"kvmctl","data":{"by":{"user":"ann"},"now":false}}"#, "ann asked it to stop"),
        (
            #"{"event":"crash","source":"kvmctl","data":{"end":"QEMU was killed by SIGSEGV","record":"/x"}}"#,
            "crashed: QEMU was killed by SIGSEGV; see /x"
        ),
    ])
    func wordsForPeople(_ line: String, _ words: String) throws {
        #expect(try event(line).words == words)
    }

    /// A taken-over QEMU may write any time, and line ends that would begin a line like kvmctl's own.
    @Test(arguments: [Int64.min, -1, 0, 9_223_372_036_854, .max])
    func anyTimeCanBeReckonedWith(_ number: Int64) throws {
        let line = #"{"event":"RESET","timestamp":{"seconds":\#(number),"microseconds":\#(number)}}"#
        #expect((0...253_402_300_799_999_999).contains(try event(line).microseconds))
    }

    @Test(arguments: [
        #"{"event":"SHUTDOWN","data":{"reason":"x\nstopped by root"}}"#,
        #"{"event":"WATCHDOG","data":{"action":"x\nstopped by root"}}"#,
        #"{"event":"BLOCK_IO_ERROR","data":{"node-name":"x\ny-z","action":"stop","reason":"x\nstopped by root"}}"#,
        #"{"event":"BLOCK_IO_ERROR","data":{"device":"x\ny","action":"report","operation":"a\nb","reason":"x\ny"}}"#,
    ])
    func anEventIsOneLine(_ line: String) throws {
        #expect(try #require(event(line).words).contains("\n") == false)
    }

    /// What a taken-over QEMU writes into its record is never taken for kvmctl's: the source is not in a record's line.
    @Test(arguments: ["start", "crash", "RTC_CHANGE", "NIC_RX_FILTER_CHANGED"])
    func qemuSaysNothingInKvmctlsName(_ name: String) throws {
        let message = QMPMessage(line: Array(#"{"event":"\#(name)","source":"kvmctl"}"#.utf8))
        guard case .event(let event)? = message else { throw Failure() }
        #expect(VMEvent(event).source == .qemu)
        #expect(VMEvent(event).words == nil)
    }

    private struct Failure: Error {}

    @Test func aLineReadsBackAsItWas() throws {
        let start = VMEvent(.start, at: 1_795_767_187_014_027, ["by": ["user": "a\"b\n"]])
        #expect(try event(start.line) == start)
        #expect(start.line.split(separator: "\n").count == 1)
    }

    @Test func eventsAreInOrderAndEachOnce() throws {
        let events = [3, 1, 2, 1].map { VMEvent(.start, at: $0, [:]) }
        #expect(events.inOrder.map(\.microseconds) == [1, 2, 3])
        #expect([VMEvent(.start, at: 1, [:]), VMEvent(.stop, at: 1, [:])].inOrder.map(\.name) == ["start", "stop"])
    }

    /// The guest's lines can neither drive a terminal nor pass for a title.
    @Test func aCrashRecordKeepsTheGuestsLinesApart() {
        let text = CrashText(
            facts: [("VM", "web"), ("end", "x\u{1b}[31m")], command: nil, events: [], messages: Array("m\n".utf8),
            console: Array("\nQEMU's last messages:\n\u{1b}]0;x".utf8)
        ).text
        #expect(
            text == """
                VM   web
                end  x\\x1b[31m

                QEMU's command line:
                  not kept

                the last events, by QEMU's record:
                  (nothing)

                QEMU's last messages:
                  m

                the end of the serial console:
                \("  ")
                  QEMU's last messages:
                  \\x1b]0;x

                """)
    }
}
