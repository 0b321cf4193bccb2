/// An extended regular expression (regex(7)) as it is written: whether matching it is bounded, whatever a guest writes.
///
/// Whether it is valid is for regcomp(3) to say.
package struct PatternText: Sendable {
    /// The most characters that it may stand for, with its repetitions written out: as many times that is kept.
    package static let most = 512

    /// The expression, in a form that keeps its meaning inside of parentheses.
    package private(set) var enclosable: [UInt8] = []

    /// What a group stands for so far, in characters; the last one is open.
    private var sizes = [0]
    /// Of that, the size of what a repetition would repeat.
    private var last = 0

    /// - Throws: what makes it unbounded.
    package init(_ text: String) throws(OptionValue.Fault) {
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            let length = try length(of: byte, rest, in: text)
            // regcomp takes one that closes nothing for itself.
            if byte == UInt8(ascii: ")"), sizes.count == 1 { enclosable.append(UInt8(ascii: "\\")) }
            enclosable += rest.prefix(length)
            take(byte, rest.prefix(length))
            rest = rest.dropFirst(length)
            guard (sizes.reduce(0, +)) <= Self.most else {
                throw OptionValue.Fault(
                    description: "\(Printable.quoted(text)) stands for more than \(Self.most) characters, "
                        + "with its repetitions written out. Write * or + instead of a large {m,n}.")
            }
        }
    }

    /// How many bytes the next thing has.
    private func length(
        of byte: UInt8, _ rest: ArraySlice<UInt8>, in text: String
    ) throws(OptionValue.Fault) -> Int {
        switch byte {
        case UInt8(ascii: "\\"):
            guard let next = rest.dropFirst().first else { return 1 }
            guard !(UInt8(ascii: "1")...UInt8(ascii: "9")).contains(next) else {
                throw OptionValue.Fault(
                    description:
                        "\(Printable.quoted(text)) has the back reference \\\(Character(Unicode.Scalar(next))). "
                        + "Those are not supported: matching them may take for ever.")
            }
            return 2
        case UInt8(ascii: "["): return Self.lengthOfSet(rest)
        case UInt8(ascii: "{"): return rest.firstIndex(of: UInt8(ascii: "}")).map { $0 - rest.startIndex + 1 } ?? 1
        default: return 1
        }
    }

    private mutating func take(_ byte: UInt8, _ token: ArraySlice<UInt8>) {
        switch byte {
        case UInt8(ascii: "("):
            add(1)
            sizes.append(0)
        case UInt8(ascii: ")") where sizes.count > 1:
            let group = sizes.removeLast()
            add(group)
        // regcomp writes a+ out as aa*.
        case UInt8(ascii: "+"): repeatLast(2)
        case UInt8(ascii: "{"): repeatLast(Self.times(token))
        case UInt8(ascii: "*"), UInt8(ascii: "?"): break
        default: add(1)
        }
    }

    private mutating func add(_ size: Int) {
        sizes[sizes.count - 1] += size
        last = size
    }

    private mutating func repeatLast(_ times: Int) {
        sizes[sizes.count - 1] += last * (times - 1)
        last *= times
    }

    /// How often what comes before `{m,n}` is written out.
    private static func times(_ token: ArraySlice<UInt8>) -> Int {
        let bounds = token.dropFirst().dropLast().split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        // More than this is refused anyway.
        let numbers = bounds.map { min(Int(String(decoding: $0, as: UTF8.self)) ?? 0, most + 1) }
        let isOpen = bounds.count > 1 && bounds.last?.isEmpty == true
        return max(1, (numbers.max() ?? 0) + (isOpen ? 1 : 0))
    }

    /// The length of a bracket expression, in which a backslash is one of its characters.
    private static func lengthOfSet(_ rest: ArraySlice<UInt8>) -> Int {
        var place = rest.startIndex + 1
        if place < rest.endIndex, rest[place] == UInt8(ascii: "^") { place += 1 }
        // Here it is no end.
        if place < rest.endIndex, rest[place] == UInt8(ascii: "]") { place += 1 }
        while place < rest.endIndex, rest[place] != UInt8(ascii: "]") {
            let kind = place + 1 < rest.endIndex ? rest[place + 1] : 0
            // [:class:], [.element.] and [=class=]
            guard rest[place] == UInt8(ascii: "["), [0x3a, 0x2e, 0x3d].contains(kind) else {
                place += 1
                continue
            }
            place += 2
            while place + 1 < rest.endIndex, !(rest[place] == kind && rest[place + 1] == UInt8(ascii: "]")) {
                place += 1
            }
            place += 2
        }
        return min(place + 1, rest.endIndex) - rest.startIndex
    }
}
