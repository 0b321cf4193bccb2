/// Writes JSON text (RFC 8259): keys sorted, so that equal values give equal text, and every character that could
/// control a terminal escaped.
struct JSONWriter {
    /// Whether each member and element is on a separate line.
    let isPretty: Bool
    private(set) var text = ""
    private var depth = 0

    package init(_ value: JSON, pretty isPretty: Bool) {
        self.isPretty = isPretty
        write(value)
    }

    private mutating func write(_ value: JSON) {
        switch value {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        // JSON has no notation for a number that is not finite.
        case .number(let value): text += value.isFinite ? String(value) : "null"
        case .string(let value): write(string: value)
        case .array(let elements): list("[", elements, "]") { $0.write($1) }
        case .object(let members):
            list("{", members.sorted { $0.key < $1.key }, "}") { writer, member in
                writer.write(string: member.key)
                writer.text += writer.isPretty ? ": " : ":"
                writer.write(member.value)
            }
        }
    }

    private mutating func list<Item>(
        _ opening: String, _ items: [Item], _ closing: String, _ write: (inout JSONWriter, Item) -> Void
    ) {
        text += opening
        depth += 1
        for (position, item) in items.enumerated() {
            if position > 0 { text += "," }
            breakLine()
            write(&self, item)
        }
        depth -= 1
        if !items.isEmpty { breakLine() }
        text += closing
    }

    private mutating func breakLine() {
        if isPretty { text += "\n" + String(repeating: "  ", count: depth) }
    }

    private mutating func write(string: String) {
        text += "\""
        if string.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            text += string
        } else {
            string.unicodeScalars.forEach { write(scalar: $0) }
        }
        text += "\""
    }

    private mutating func write(scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\t": text += "\\t"
        case "\r": text += "\\r"
        case _ where Printable.isPlain(scalar): text.unicodeScalars.append(scalar)
        default:
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                text += "\\u" + String(0x10000 + UInt32(unit), radix: 16).dropFirst()
            }
        }
    }
}
