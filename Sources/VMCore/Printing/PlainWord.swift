extension UInt8 {
    /// Whether it is an ASCII digit.
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// Whether it is an ASCII letter, a digit, or one of the others named.
    func isPlain(or others: String) -> Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        default: isDigit || others.utf8.contains(self)
        }
    }
}

extension StringProtocol {
    /// Whether all its bytes are ASCII letters, digits or the others named.
    package func isPlain(and others: String) -> Bool { utf8.allSatisfy { $0.isPlain(or: others) } }
}
