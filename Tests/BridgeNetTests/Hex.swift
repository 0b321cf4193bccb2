/// The bytes of annotated hex: two digits for each byte, white space anywhere, `//` starts a comment.
func hex(_ text: String) -> [UInt8] {
    let digits = text.split(separator: "\n").flatMap { line in
        (line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line).filter { !$0.isWhitespace }
    }
    return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
}
