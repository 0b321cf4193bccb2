/// Writes JSON text (RFC 8259): keys sorted, so that equal values give equal text, and every character that could
/// control a terminal escaped.
struct JSONWriter {
    /// Whether each member and element is on a separate line.
    let isPretty: Bool
    // Bytes: a list of a thousand VMs is a million of them, and a String checks each piece that it is given.
    private var bytes: [UInt8] = []
    private var depth = 0

    /// What was written.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    package init(_ value: JSON, pretty isPretty: Bool) {
        self.isPretty = isPretty
        write(value)
    }

    private mutating func write(_ value: JSON) {
        switch value {
        case .null: add("null")
        case .bool(let value): add(value ? "true" : "false")
        case .integer(let value): add(String(value))
        // JSON has no notation for a number that is not finite.
        case .number(let value): add(value.isFinite ? String(value) : "null")
        case .string(let value): write(string: value)
        case .array(let elements): list("[", elements, "]") { $0.write($1) }
        case .object(let members):
            list("{", members.sorted { $0.key < $1.key }, "}") { writer, member in
                writer.write(string: member.key)
                writer.add(writer.isPretty ? ": " : ":")
                writer.write(member.value)
            }
        }
    }

    private mutating func list<Item>(
        _ opening: String, _ items: [Item], _ closing: String, _ write: (inout JSONWriter, Item) -> Void
    ) {
        add(opening)
        depth += 1
        for (position, item) in items.enumerated() {
            if position > 0 { add(",") }
            breakLine()
            write(&self, item)
        }
        depth -= 1
        if !items.isEmpty { breakLine() }
        add(closing)
    }

    private mutating func add(_ piece: String) { bytes.append(contentsOf: piece.utf8) }

    private mutating func breakLine() {
        guard isPretty else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    private mutating func write(string: String) {
        add("\"")
        if string.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            add(string)
        } else {
            string.unicodeScalars.forEach { write(scalar: $0) }
        }
        add("\"")
    }

    private mutating func write(scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": add("\\\"")
        case "\\": add("\\\\")
        case "\n": add("\\n")
        case "\t": add("\\t")
        case "\r": add("\\r")
        case _ where Printable.isPlain(scalar):
            bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default:
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                add("\\u" + String(0x10000 + UInt32(unit), radix: 16).dropFirst())
            }
        }
    }
}
