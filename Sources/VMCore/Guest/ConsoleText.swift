/// The lines of a console, from the bytes that a guest writes: without colours, cursor movements and other control
/// sequences (ECMA-48), and as incremental as a log that grows.
///
/// What overwrites a line (a carriage return) or writes elsewhere (a cursor movement) begins a new one, so that nothing
/// is lost. A line is cut at a length, so that a guest can't fill the memory.
package struct ConsoleText: Sendable {
    /// The longest line, in bytes. What follows counts as another line.
    package static let longestLine = 1024

    /// The line that is not complete yet, such as a prompt; without white space at its end.
    package var unfinished: ArraySlice<UInt8> { Self.trimmed(line) }
    /// How many bytes of text there were, and how many of them are no valid UTF-8.
    package private(set) var textBytes = 0
    package private(set) var strangeBytes = 0

    private var line: [UInt8] = []
    private var state = State.plain
    /// Whether a carriage return came: a line feed ends the line, anything else begins another in its place.
    private var isAtMargin = false

    private enum State: Equatable {
        case plain
        /// After ESC.
        case escape
        /// After ESC and a byte that has one more: a character set.
        case oneMore
        /// After ESC [ (CSI).
        case sequence(length: Int)
        /// In a string that a terminator ends (OSC, DCS, …).
        case string(length: Int, afterEscape: Bool)
    }

    /// How long a control sequence or string may be: what never ends is text.
    private static let longestSequence = 256

    package init() {}

    /// Takes in what the guest has written, and hands on each line that is complete; empty ones are left out.
    package mutating func take(_ bytes: some Sequence<UInt8>, each: (ArraySlice<UInt8>) -> Void) {
        for byte in bytes {
            switch state {
            case .plain: plain(byte, each)
            case .escape: escaped(byte, each)
            case .oneMore: state = .plain
            case .sequence(let length): sequence(byte, length, each)
            case .string(let length, let afterEscape): string(byte, length, afterEscape)
            }
        }
    }

    private mutating func plain(_ byte: UInt8, _ each: (ArraySlice<UInt8>) -> Void) {
        switch byte {
        case 0x0a: end(each)
        case 0x0d: isAtMargin = true
        case 0x1b: state = .escape
        case 0x08: eraseLast()
        case 0x09: add(0x20, each)
        case 0..<0x20, 0x7f: break
        default: add(byte, each)
        }
    }

    private mutating func add(_ byte: UInt8, _ each: (ArraySlice<UInt8>) -> Void) {
        if isAtMargin || line.count >= Self.longestLine { end(each) }
        line.append(byte)
    }

    private mutating func eraseLast() {
        // With the bytes that continue a character of UTF-8.
        while let last = line.popLast(), last & 0xc0 == 0x80 {}
    }

    private mutating func escaped(_ byte: UInt8, _ each: (ArraySlice<UInt8>) -> Void) {
        switch byte {
        case UInt8(ascii: "["): state = .sequence(length: 0)
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
            state = .string(length: 0, afterEscape: false)
        case 0x20...0x2f: state = .oneMore
        case 0x1b: break
        default:
            state = .plain
            // Index, next line, reverse index, reset: the cursor goes elsewhere.
            if [UInt8(ascii: "D"), UInt8(ascii: "E"), UInt8(ascii: "M"), UInt8(ascii: "c")].contains(byte) {
                end(each)
            }
        }
    }

    private mutating func sequence(_ byte: UInt8, _ length: Int, _ each: (ArraySlice<UInt8>) -> Void) {
        switch byte {
        case 0x40...0x7e:
            state = .plain
            switch byte {
            case UInt8(ascii: "A"), UInt8(ascii: "B"), UInt8(ascii: "E")...UInt8(ascii: "H"), UInt8(ascii: "J"),
                UInt8(ascii: "d"), UInt8(ascii: "f"):
                end(each)
            case UInt8(ascii: "C"): add(0x20, each)
            default: break
            }
        case 0x20...0x3f where length < Self.longestSequence: state = .sequence(length: length + 1)
        default:
            state = .plain
            plain(byte, each)
        }
    }

    private mutating func string(_ byte: UInt8, _ length: Int, _ afterEscape: Bool) {
        let isOver = byte == 0x07 || byte == 0x0a || afterEscape || length >= Self.longestSequence
        state = isOver ? .plain : .string(length: length + 1, afterEscape: byte == 0x1b)
    }

    private mutating func end(_ each: (ArraySlice<UInt8>) -> Void) {
        isAtMargin = false
        guard !line.isEmpty else { return }
        count()
        let done = Self.trimmed(line)
        if !done.isEmpty { each(done) }
        line.removeAll(keepingCapacity: true)
    }

    private mutating func count() {
        textBytes += line.count
        guard line.contains(where: { $0 >= 0x80 }) else { return }
        strangeBytes += String(decoding: line, as: UTF8.self).unicodeScalars.filter { $0 == "\u{fffd}" }.count
    }

    /// Whether what came is text, as far as enough came to tell.
    package var isLegible: Bool { textBytes < 64 || strangeBytes * 4 < textBytes }

    private static func trimmed(_ line: [UInt8]) -> ArraySlice<UInt8> {
        guard let end = line.lastIndex(where: { $0 != 0x20 }) else { return [] }
        return line[...end]
    }
}
