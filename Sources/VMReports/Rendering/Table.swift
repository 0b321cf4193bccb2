/// Columns for people: aligned, with two spaces between them, no wrapping; in colour only on a terminal.
package struct Table: Equatable {
    /// What a cell says about the thing that it is about.
    package enum Tone: Sendable { case good, doubtful, bad }

    private var rows: [[String]]
    /// The tones of some cells, by row and column.
    private var tones: [Int: [Int: Tone]] = [:]

    /// A table with these titles, and no rows yet.
    package init(_ header: String...) { self.init(header) }

    /// A table with these titles, and no rows yet.
    init(_ header: [String]) { rows = [header] }

    /// Adds a row.
    mutating func add(_ row: String...) { add(row) }

    /// Adds a row.
    ///
    /// - Parameter tones: Those of some of its cells.
    mutating func add(_ row: [String], tones: [(column: Int, tone: Tone)] = []) {
        for (column, tone) in tones { self.tones[rows.count, default: [:]][column] = tone }
        rows.append(row)
    }

    /// The rows below each other, without the last line end.
    ///
    /// - Parameters:
    ///     - inColour: Whether cells with a tone are coloured.
    ///     - shown: How a cell's text is shown; it decides the widths.
    func text(inColour: Bool, _ shown: (String) -> String) -> String {
        let rows = rows.map { $0.map(shown) }
        let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { Self.width($0[column]) }.max() ?? 0 }
        var text: [UInt8] = []
        for (number, row) in rows.enumerated() {
            if number > 0 { text.append(UInt8(ascii: "\n")) }
            for (column, cell) in row.enumerated() {
                let tone = inColour ? tones[number]?[column] : nil
                if let tone { text += tone.start.utf8 }
                text += cell.utf8
                if tone != nil { text += Tone.end.utf8 }
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

// Select Graphic Rendition (ECMA-48, 8.3.117).
extension Table.Tone {
    fileprivate var start: String {
        switch self {
        case .good: "\u{1b}[32m"
        case .doubtful: "\u{1b}[33m"
        case .bad: "\u{1b}[31m"
        }
    }

    fileprivate static let end = "\u{1b}[0m"
}
