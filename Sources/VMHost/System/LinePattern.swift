import CLinux
import VMCore

/// An extended regular expression (regex(7)) for lines of a console. The guest chooses the lines: what a match takes is
/// bounded by their length.
package struct LinePattern: Sendable {
    /// As it was written.
    package let text: String
    private let number: Int32

    /// Compiles it. To be called by the main thread.
    ///
    /// - Throws: what is wrong with it.
    package init(_ text: String) throws(OptionValue.Fault) {
        var why = [CChar](repeating: 0, count: 128)
        let enclosable = try PatternText(text).enclosable.map { CChar(bitPattern: $0) } + [0]
        number = clinux_pattern(text, enclosable, &why, why.count)
        self.text = text
        guard number < 0 else { return }
        let end = why.firstIndex(of: 0) ?? 0
        let words = String(decoding: why[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        throw OptionValue.Fault(
            description: "\(Printable.quoted(text)) is not a regular expression: "
                + (words.isEmpty ? "there is no room for another." : "\(words).")
                + " See regex(7), extended regular expressions.")
    }

    /// Whether it matches somewhere in a line.
    package func matches(_ line: ArraySlice<UInt8>) -> Bool {
        let line = line.map { CChar(bitPattern: $0) } + [0]
        return clinux_pattern_matches(number, line) == 1
    }
}
