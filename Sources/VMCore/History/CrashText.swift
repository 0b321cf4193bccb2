/// The text of a crash record: all that is left to tell why a QEMU ended.
///
/// The guest chooses what is on its console, and may make QEMU print something: their lines are indented, so that none can
/// pass for one of kvmctl's.
package struct CrashText: Equatable, Sendable {
    /// Facts, each with its title, in order.
    package var facts: [(title: String, value: String)]
    /// QEMU's command line, as a shell would take it; nil if it was not kept.
    package var command: String?
    /// The last events.
    package var events: [UInt8]
    /// The end of QEMU's messages.
    package var messages: [UInt8]
    /// The end of the serial console's log.
    package var console: [UInt8]

    /// How much of each is kept, in bytes.
    package static let limit = 64 << 10

    /// Collects what is known.
    package init(
        facts: [(title: String, value: String)], command: String?, events: [UInt8], messages: [UInt8],
        console: [UInt8]
    ) {
        (self.facts, self.command, self.events) = (facts, command, events)
        (self.messages, self.console) = (messages, console)
    }

    package static func == (one: CrashText, other: CrashText) -> Bool { one.text == other.text }

    /// All of it, with no control character in it.
    package var text: String {
        let width = facts.map(\.title.count).max() ?? 0
        let head = facts.map { title, value in
            title + String(repeating: " ", count: width - title.count + 2) + Printable.escaped(value)
        }
        return head.joined(separator: "\n") + "\n"
            + Self.section("QEMU's command line", command.map { Array($0.utf8) } ?? Array("not kept".utf8))
            + Self.section("the last events, by QEMU's record", events)
            + Self.section("QEMU's last messages", messages)
            + Self.section("the end of the serial console", console)
    }

    private static func section(_ title: String, _ bytes: [UInt8]) -> String {
        let text = Printable.escaped(String(decoding: bytes.suffix(limit), as: UTF8.self), keeping: ["\n", "\t"])
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let kept = lines.last == "" ? lines.dropLast() : lines[...]
        return "\n\(title):\n" + (kept.isEmpty ? "  (nothing)\n" : kept.map { "  \($0)\n" }.joined())
    }
}
