import VMCore

/// Columns for people: aligned, with two spaces between them, no wrapping, no colour.
struct Table {
    private var rows: [[String]]

    init(_ header: String...) { rows = [header] }

    mutating func add(_ row: String...) { add(row) }

    mutating func add(_ row: [String]) { rows.append(row.map { Printable.escaped($0) }) }

    var text: String {
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

extension Duration {
    /// As `ps` and `uptime` print it, in the two largest units: `3d 4h`, `4h 12m`, `12m 5s`, `5s`.
    var short: String {
        let seconds = components.seconds
        let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60)
        if days > 0 { return "\(days)d \(hours)h" }
        if hours > 0 { return "\(hours)h \(minutes)m" }
        if minutes > 0 { return "\(minutes)m \(seconds % 60)s" }
        return "\(seconds)s"
    }
}
