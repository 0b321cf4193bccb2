/// The control character that leaves a console.
package struct ConsoleEscape: Equatable, Sendable, CustomStringConvertible {
    /// What a terminal sends for it.
    package let byte: UInt8

    /// Ctrl-], as of telnet(1) and virsh.
    package static let usual = ConsoleEscape(byte: 0x1d)

    /// As on a keyboard: `Ctrl-]`.
    package var description: String { "Ctrl-\(Character(Unicode.Scalar(byte | 0x40)))" }
}

extension OptionValue {
    /// A control character, in caret notation: `^]`.
    package static func escape(_ text: String) throws(Fault) -> ConsoleEscape {
        let bytes = Array(text.uppercased().utf8)
        // Those that are typed in other ways too are of no use: Ctrl-@, Backspace, Tab, Enter, Esc.
        let taken: [UInt8] = [0x00, 0x08, 0x09, 0x0a, 0x0d, 0x1b]
        guard bytes.count == 2, bytes[0] == UInt8(ascii: "^"), (0x40...0x5f).contains(bytes[1]),
            !taken.contains(bytes[1] & 0x1f)
        else {
            throw Fault(
                description: "\(Printable.quoted(text)) can't be the escape. "
                    + "Write ^ and a letter or one of ] \\ ^ _, such as ^A for Ctrl-A; not ^H, ^I, ^J, ^M.")
        }
        return ConsoleEscape(byte: bytes[1] & 0x1f)
    }
}
