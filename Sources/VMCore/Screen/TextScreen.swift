/// What a VGA in text mode shows.
///
/// Nothing that can be asked without disturbing the guest tells whether the VGA is in text mode, and where in its text
/// memory the screen begins: a guest scrolls by moving that start. So a picture of the screen is compared with the memory.
/// It shows the memory from some line on if equal cells look equal, and different ones different.
package struct TextScreen: Equatable, Sendable {
    /// The lines, without white space at their ends; none at the end of the screen.
    package let lines: [String]

    /// The address and the size of the text memory (VGA's map 3).
    package static let memory = (address: 0xb8000, bytes: 0x8000)

    /// How many cells may look different: the cursor, and two glyphs that look alike.
    private static let tolerance = 8

    /// Reads a screen; nil if the picture does not show what is in the memory: it is in graphics mode, or it has changed
    /// between the two.
    package init?(_ picture: Picture, memory: [UInt8]) {
        if picture.isBlank {
            lines = []
            return
        }
        let found = Self.shapes(of: picture).lazy.map { Grid(picture, $0) }.compactMap { grid in
            Self.start(of: grid, in: memory).map { (grid, $0) }
        }
        guard let (grid, start) = found.first else { return nil }
        let rows = (0..<grid.rows).map { row in
            (0..<grid.columns).map { Self.character(memory[start + 2 * (row * grid.columns + $0)]) }
        }
        var lines = rows.map { row in String(row[..<((row.lastIndex { $0 != " " } ?? -1) + 1)]) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        self.lines = lines
    }

    /// Whether a screen of this size could be in text mode.
    package static func mayShow(_ picture: Picture) -> Bool { picture.isBlank || !shapes(of: picture).isEmpty }

    /// The size of a cell in pixels, and how many there are.
    private struct Shape {
        var width: Int
        var height: Int
        var columns: Int
        var rows: Int
    }

    private static func shapes(of picture: Picture) -> [Shape] {
        [(9, 16), (8, 16), (9, 8), (8, 8), (9, 14), (8, 14)].compactMap { width, height in
            let (columns, rows) = (picture.width / width, picture.height / height)
            guard columns * width == picture.width, rows * height == picture.height, (40...132).contains(columns),
                (20...66).contains(rows)
            else { return nil }
            return Shape(width: width, height: height, columns: columns, rows: rows)
        }
    }

    /// A screen divided into cells; what each looks like.
    private struct Grid {
        var columns: Int
        var rows: Int
        var looks: [UInt64]

        init(_ picture: Picture, _ shape: Shape) {
            (columns, rows) = (shape.columns, shape.rows)
            looks = (0..<shape.rows * shape.columns).map { cell in
                picture.fingerprint(
                    x: cell % shape.columns * shape.width, y: cell / shape.columns * shape.height, width: shape.width,
                    height: shape.height)
            }
        }
    }

    /// Where in the memory a screen begins.
    private static func start(of grid: Grid, in memory: [UInt8]) -> Int? {
        let cells = stride(from: 0, to: memory.count - 1, by: 2).map { at in
            UInt16(isBlank(memory[at]) ? 0x20 : memory[at]) << 8 | UInt16(memory[at + 1])
        }
        var usual = UsualLooks()
        let starts = stride(from: 0, through: cells.count - grid.looks.count, by: grid.columns)
        return starts.first { start in
            usual.differing(grid.looks, cells[start..<start + grid.looks.count]) <= tolerance
        }.map { 2 * $0 }
    }

    /// What cells look like for the most part, by their character and colours.
    private struct UsualLooks {
        private var looks = [UInt64](repeating: 0, count: 1 << 16)
        private var votes = [Int](repeating: 0, count: 1 << 16)

        /// How many cells look as they should not if these were shown.
        mutating func differing(_ shown: [UInt64], _ cells: ArraySlice<UInt16>) -> Int {
            for cell in cells { votes[Int(cell)] = 0 }
            // The majority, if there is one (Boyer and Moore).
            for (look, cell) in zip(shown, cells) {
                if votes[Int(cell)] == 0 { looks[Int(cell)] = look }
                votes[Int(cell)] += looks[Int(cell)] == look ? 1 : -1
            }
            var count = 0
            var meanings: [Meaning: UInt16] = [:]
            for (look, cell) in zip(shown, cells) where count <= tolerance {
                let colours = UInt8(truncatingIfNeeded: cell)
                if looks[Int(cell)] != look {
                    count += 1
                } else if colours & 0x0f != colours >> 4 {
                    // Different characters look different, unless they have the colour of their background.
                    if meanings[Meaning(colours: colours, look: look), default: cell] != cell { count += 1 }
                    meanings[Meaning(colours: colours, look: look)] = cell
                }
            }
            return count
        }

        private struct Meaning: Hashable {
            var colours: UInt8
            var look: UInt64
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0 || byte == 0x20 || byte == 0xff }

    /// A byte of text memory, in the font that the VGA begins with: IBM's code page 437.
    private static func character(_ byte: UInt8) -> Character { isBlank(byte) ? " " : codePage[Int(byte)] }

    private static let codePage = Array(
        " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼" + String((0x20...0x7e).map { Character(Unicode.Scalar($0 as UInt8)) })
            + "⌂ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
            + "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ")
}
