/// Finds places in a source file and shows them.
struct SourceText {
    let bytes: [UInt8]

    /// The widest excerpt, in terminal cells.
    static let window = 100
    /// The cells kept before the place when a line has to be cut.
    private static let lead = 40
    /// Tabs are kept until their columns are known.
    private static let tab: [Unicode.Scalar] = ["\t"]

    /// Lays a fault out. The work is linear in the length of its line.
    func diagnostic(_ fault: Fault) -> Diagnostic {
        var diagnostic = Diagnostic(
            kind: fault.kind, line: fault.line, column: 1, length: 1, message: fault.message, hint: fault.hint?.text,
            examples: fault.hint?.examples ?? [], excerpt: [])
        guard let span = fault.span?.clamped(to: bytes.startIndex..<bytes.endIndex) else { return diagnostic }
        let start = lineStart(before: span.lowerBound)
        let before = Printable.glyphs(bytes[start..<span.lowerBound], keeping: Self.tab)
        let meant = Printable.glyphs(bytes[span], keeping: Self.tab)
        let after = Printable.glyphs(bytes[span.upperBound..<lineEnd(after: span.upperBound)], keeping: Self.tab)
        diagnostic.column = before.count + 1
        diagnostic.length = max(1, meant.count)
        diagnostic.excerpt = Self.excerpt(before: before, meant: meant, after: after)
        return diagnostic
    }

    private func lineStart(before offset: Int) -> Int {
        (bytes[..<offset].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
    }

    private func lineEnd(after offset: Int) -> Int {
        let end = bytes[offset...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
        return end > offset && bytes[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
    }

    private static func excerpt(
        before: [Printable.Glyph], meant: [Printable.Glyph], after: [Printable.Glyph]
    ) -> [String] {
        let whole = before.width + meant.width + after.width <= window
        let head = whole ? before[...] : before.suffix(cells: lead)
        let middle = whole ? meant[...] : meant.prefix(cells: window - head.width)
        let room = window - head.width - middle.width
        let tail = whole ? after[...] : middle.count < meant.count ? [] : after.prefix(cells: room)
        let cutBefore = head.count < before.count
        let cutAfter = middle.count < meant.count || tail.count < after.count

        var line = cutBefore ? "…" : ""
        var cells = cutBefore ? 1 : 0
        for glyph in head { line.append(glyph, at: &cells) }
        let caret = cells
        for glyph in middle { line.append(glyph, at: &cells) }
        let underline = max(1, cells - caret)
        for glyph in tail { line.append(glyph, at: &cells) }
        if cutAfter { line += "…" }
        let carets = String(repeating: " ", count: caret) + "^" + String(repeating: "~", count: underline - 1)
        return [line, carets]
    }
}

extension String {
    /// Appends a glyph; a tab becomes spaces up to the next multiple of eight cells.
    fileprivate mutating func append(_ glyph: Printable.Glyph, at cells: inout Int) {
        let width = glyph.text == "\t" ? 8 - cells % 8 : glyph.width
        self += glyph.text == "\t" ? String(repeating: " ", count: width) : glyph.text
        cells += width
    }
}

extension Printable.Glyph {
    /// The most cells that the glyph takes; at least one, so that combining marks are not free.
    fileprivate var room: Int { text == "\t" ? 8 : max(1, width) }
}

extension Collection<Printable.Glyph> {
    /// The most cells that the glyphs take.
    fileprivate var width: Int { reduce(0) { $0 + $1.room } }
}

extension [Printable.Glyph] {
    /// As many of the first glyphs as fit.
    fileprivate func prefix(cells: Int) -> ArraySlice<Printable.Glyph> {
        var room = cells
        return prefix { glyph in
            room -= glyph.room
            return room >= 0
        }
    }

    /// As many of the last glyphs as fit.
    fileprivate func suffix(cells: Int) -> ArraySlice<Printable.Glyph> {
        var room = cells
        let kept = reversed().prefix { glyph in
            room -= glyph.room
            return room >= 0
        }
        return suffix(kept.count)
    }
}
