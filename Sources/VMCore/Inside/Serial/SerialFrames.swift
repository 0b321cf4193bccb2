/// The frames of one run, out of all that comes from a console: the guest's kernel and other programs write there too, also in
/// the middle of a line. What is damaged so is no frame, or has no data; kvmctl asks again.
package struct SerialFrames: Sendable {
    /// What came: a frame, or a line that is none, without its end.
    package enum Item: Equatable, Sendable {
        case frame(SerialFrame)
        case other([UInt8])
    }

    private let beginning: [UInt8]
    /// How a line begins that was sent to the guest: its echo, if there is no stty(1).
    private let echo: [UInt8]
    private var line: [UInt8] = []
    /// The part that is coming, and its text so far.
    private var part: SerialFrame.Part?
    private var text: [UInt8] = []
    /// How many lines of frames came: it grows while an answer is on its way.
    package private(set) var moved = 0
    private var tools: (encoding: SerialEncoding, checksum: SerialChecksum) = (.base64, .cksum)

    /// The longest line that is looked at, and the longest text of a part: 16 KiB in hexadecimal, with spaces, and as much of
    /// other text again.
    private static let longestLine = 1024
    private static let longestText = 128 << 10

    package init(token: String) {
        beginning = Array("@\(token) ".utf8)
        echo = Array("\(token) ".utf8)
    }

    /// Takes in bytes; returns what is complete now.
    package mutating func take(_ bytes: some Sequence<UInt8>) -> [Item] {
        var items: [Item] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || line.count >= Self.longestLine {
                end(&items)
            }
            if byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r"), byte != 0 { line.append(byte) }
        }
        return items
    }

    private mutating func end(_ items: inout [Item]) {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return }
        if let start = start {
            moved += 1
            if let item = frame(line[start...]) { items.append(item) }
        } else if part != nil {
            if text.count < Self.longestText { text += line + [UInt8(ascii: "\n")] }
            let isWhole = line.allSatisfy { $0 == 0x20 || tools.encoding.has($0) }
            if isWhole { moved += 1 } else { items.append(.other(line)) }
        } else if !line.starts(with: echo) {
            items.append(.other(line))
        }
    }

    /// Where in the line a frame begins, after its mark: other text may have come before it.
    private var start: Int? {
        guard line.count >= beginning.count else { return nil }
        return (0...line.count - beginning.count).last {
            line[$0] == beginning[0] && line[$0...].starts(with: beginning)
        }
        .map { $0 + beginning.count }
    }

    /// The item of a line with the mark; nil if there is none yet, or it is another one's.
    private mutating func frame(_ bytes: ArraySlice<UInt8>) -> Item? {
        var words = String(decoding: bytes, as: UTF8.self).split(separator: " ").map(String.init)
        guard words.count >= 2, words.removeLast() == "." else { return .other(Array(bytes)) }
        let kind = words.removeFirst()
        switch kind {
        case "data":
            (part, text) = (Self.part(words), [])
            return part == nil ? .other(Array(bytes)) : nil
        case "check":
            guard let whole = part, words.count == 2, words[0] == String(whole.sequence) else { return nil }
            part = nil
            let data = tools.encoding.decode(text).flatMap { tools.checksum.of($0) == words[1] ? $0 : nil }
            text = []
            return .frame(.part(whole, data))
        default:
            // Where the end of a part was damaged, the next frame ends it.
            part = nil
            guard let frame = SerialFrame(kind, words) else { return .other(Array(bytes)) }
            if case .hello(let hello) = frame { tools = (hello.encoding, hello.checksum) }
            return .frame(frame)
        }
    }

    private static func part(_ words: [String]) -> SerialFrame.Part? {
        guard words.count == 4, let stream = SerialFrame.Stream(rawValue: words[1]) else { return nil }
        let numbers = [words[0], words[2], words[3]].compactMap { SerialFrame.number($0) }
        guard numbers.count == 3 else { return nil }
        return .init(sequence: numbers[0], stream: stream, number: numbers[1], offset: numbers[2])
    }
}

extension SerialFrame {
    /// A number as the script writes it: what noise has cut in two may be one too, but then the line has no end.
    fileprivate static func number(_ word: String) -> Int? {
        guard word.utf8.count <= 10, word.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(word)
    }

    /// Reads a frame without data; nil for what is none.
    fileprivate init?(_ kind: String, _ words: [String]) {
        let numbers = words.map(Self.number)
        switch (kind, words.count) {
        case ("ready", 0): self = .ready
        case ("bye", 0): self = .bye
        case ("no", 1...8): self = .missing(words)
        case ("hello", 3), ("hello", 4):
            guard let encoding = SerialEncoding(rawValue: words[0]), let sum = SerialChecksum(rawValue: words[1]),
                let uid = numbers[2]
            else { return nil }
            self = .hello(.init(encoding: encoding, checksum: sum, uid: uid, user: words.count > 3 ? words[3] : nil))
        case ("took", 2):
            guard let sequence = numbers[0] else { return nil }
            self = .took(sequence: sequence, checksum: words[1])
        case ("code", 2) where words[1] == "lost":
            guard let sequence = numbers[0] else { return nil }
            self = .code(sequence: sequence, nil)
        case ("fed", 2), ("code", 2):
            guard let sequence = numbers[0], let number = numbers[1] else { return nil }
            self = kind == "fed" ? .fed(sequence: sequence, number) : .code(sequence: sequence, Int32(number & 0xff))
        case ("end", 1), ("end", 2):
            guard let sequence = numbers[0], words.count == 1 || words[1] == "full" else { return nil }
            self = .end(sequence: sequence, isCut: words.count == 2)
        case ("done", 1), ("early", 1):
            guard let sequence = numbers[0] else { return nil }
            self = kind == "done" ? .done(sequence: sequence) : .early(sequence: sequence)
        default: return nil
        }
    }
}
