/// A JSON value (RFC 8259), as used by QMP and by QEMU's `-blockdev` and `-device`.
package enum JSON: Equatable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction or exponent that fits.
    case integer(Int64)
    /// Any other number.
    case number(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object; on output its keys are sorted, so that equal values give equal text.
    case object([String: JSON])

    /// A string, or null.
    package static func optional(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }

    /// Parses one document.
    ///
    /// - Throws: where the text stops being valid.
    package init(parsing text: some Sequence<UInt8>) throws(JSONFault) {
        var reader = JSONReader(Array(text))
        self = try reader.document()
    }

    /// The member `key` of an object; nil if there is none.
    package subscript(key: String) -> JSON? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    /// The text of a string.
    package var string: String? { if case .string(let text) = self { text } else { nil } }
    /// The value of an integer.
    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    /// The value of an integer that lies in a range, so that calculations with it are known not to overflow.
    package func integer(in range: ClosedRange<Int>) -> Int? {
        integer.flatMap { Int(exactly: $0) }.flatMap { range.contains($0) ? $0 : nil }
    }
    /// The value of a boolean.
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The elements of an array.
    package var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }

    /// Compact text on one line.
    package var text: String { JSONWriter(self, pretty: false).text }

    /// Indented text for people and files.
    package var prettyText: String { JSONWriter(self, pretty: true).text }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// A string.
    package init(stringLiteral value: String) { self = .string(value) }
    /// An integer.
    package init(integerLiteral value: Int64) { self = .integer(value) }
    /// A boolean.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array.
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object; of duplicate keys the last one counts.
    package init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
    }
    /// `null`.
    package init(nilLiteral: ()) { self = .null }
}
