/// Comma-separated values (RFC 4180): rows of fields, which may be in double quotes.
///
/// A line that begins with `#` where a row would is a comment, as in vm.params; the field of such a row goes in quotes.
package struct CSVText {
    /// The rows, without empty lines and comments.
    package let rows: [Row]

    /// A row.
    package struct Row: Equatable, Sendable {
        /// Its number, from 1 on: empty lines and comments count, and a row of several lines is one.
        package var number: Int
        /// What is in its fields.
        package var fields: [String]
    }

    /// Why a text is none.
    package struct Fault: Error, Equatable {
        /// The row.
        package var row: Int
        /// The field in it, from 1 on.
        package var column: Int
        /// What is wrong, in one clause.
        package var cause: String
    }

    /// Reads it. Lines end as they do on Unix or on Windows.
    package init(_ text: String) throws(Fault) {
        // A spreadsheet may begin it with a byte order mark.
        var reader = Reader(rest: Array(text.utf8)[...])
        if reader.rest.starts(with: [0xef, 0xbb, 0xbf]) { reader.rest.removeFirst(3) }
        var rows: [Row] = []
        var number = 0
        while !reader.rest.isEmpty {
            number += 1
            if reader.skipComment() { continue }
            let fields = try reader.row(number)
            if fields != [""] { rows.append(Row(number: number, fields: fields)) }
        }
        self.rows = rows
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>
        private static let (quote, comma, newline, carriageReturn): (UInt8, UInt8, UInt8, UInt8) = (
            0x22, 0x2c, 0x0a, 0x0d
        )
        private static let hash = UInt8(ascii: "#")

        init(rest: ArraySlice<UInt8>) { self.rest = rest }

        /// Takes a comment, with the end of its line; whether there was one.
        mutating func skipComment() -> Bool {
            guard rest.first == Self.hash else { return false }
            rest = rest.drop { $0 != Self.newline }.dropFirst()
            return true
        }

        /// Takes a row, with the end of its line.
        mutating func row(_ number: Int) throws(Fault) -> [String] {
            var fields: [String] = []
            while true {
                let column = fields.count + 1
                let isQuoted = rest.first == Self.quote
                fields.append(isQuoted ? try quoted(number, column) : try plain(number, column))
                guard let next = rest.first else { return fields }
                if next == Self.comma {
                    rest.removeFirst()
                    continue
                }
                guard endLine() else {
                    throw Fault(
                        row: number, column: column,
                        cause: "something follows the quote that closes the field; a quote in one is written twice")
                }
                return fields
            }
        }

        private mutating func endLine() -> Bool {
            for end in [[Self.newline], [Self.carriageReturn, Self.newline]] where rest.starts(with: end) {
                rest.removeFirst(end.count)
                return true
            }
            return false
        }

        private mutating func plain(_ row: Int, _ column: Int) throws(Fault) -> String {
            var field = rest.prefix { $0 != Self.comma && $0 != Self.newline }
            // Of the line's end.
            if rest[field.endIndex...].first != Self.comma, field.last == Self.carriageReturn { field.removeLast() }
            guard !field.contains(Self.quote) else {
                throw Fault(row: row, column: column, cause: "has a quote, and does not begin with one")
            }
            rest = rest[field.endIndex...]
            if rest.elementsEqual([Self.carriageReturn]) { rest = [] }
            return String(decoding: field, as: UTF8.self)
        }

        private mutating func quoted(_ row: Int, _ column: Int) throws(Fault) -> String {
            var text: [UInt8] = []
            while true {
                rest.removeFirst()
                let part = rest.prefix { $0 != Self.quote }
                text += part
                rest = rest[part.endIndex...]
                guard !rest.isEmpty else { throw Fault(row: row, column: column, cause: "its quote is not closed") }
                rest.removeFirst()
                guard rest.first == Self.quote else { return String(decoding: text, as: UTF8.self) }
                text.append(Self.quote)
            }
        }
    }
}
