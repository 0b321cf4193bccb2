/// Columns for people: aligned, with two spaces between them, no wrapping, no colour.
package struct Table: Equatable {
    private var rows: [[String]]

    /// A table with these titles, and no rows yet.
    package init(_ header: String...) { rows = [header] }

    /// Adds a row.
    mutating func add(_ row: String...) { add(row) }

    /// Adds a row.
    mutating func add(_ row: [String]) { rows.append(row) }

    /// The rows below each other, without the last line end.
    ///
    /// - Parameter shown: How a cell's text is shown; it decides the widths.
    func text(_ shown: (String) -> String) -> String {
        let rows = rows.map { $0.map(shown) }
        let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { Self.width($0[column]) }.max() ?? 0 }
        var text: [UInt8] = []
        for (number, row) in rows.enumerated() {
            if number > 0 { text.append(UInt8(ascii: "\n")) }
            for (column, cell) in row.enumerated() {
                text += cell.utf8
                guard column < row.count - 1 else { continue }
                text += repeatElement(UInt8(ascii: " "), count: widths[column] - Self.width(cell) + 2)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The width in characters; for ASCII that is the number of bytes, which is quicker to get.
    private static func width(_ cell: String) -> Int {
        let bytes = cell.utf8
        return bytes.allSatisfy { $0 < 0x80 } ? bytes.count : cell.count
    }
}
