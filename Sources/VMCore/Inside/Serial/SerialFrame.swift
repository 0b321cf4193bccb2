/// What the script of a `SerialScript` says, a line each: `@TOKEN KIND … .`
package enum SerialFrame: Equatable, Sendable {
    /// The opening works: the script can be sent.
    case ready
    /// The script runs.
    case hello(Hello)
    /// The guest lacks these, and the script has ended.
    case missing([String])
    /// The answer to a question for news, or for a part: a part of a piece of output; nil if it came damaged.
    case part(Part, [UInt8]?)
    /// The command has read so many pieces of its input.
    case fed(sequence: Int, Int)
    /// The command has ended; nil: it was not begun, for want of its directory.
    case code(sequence: Int, Int32?)
    /// All output has ended; `isCut`: but some of it could not be kept in the guest.
    case end(sequence: Int, isCut: Bool = false)
    /// A request was carried out.
    case done(sequence: Int)
    /// It can't be yet.
    case early(sequence: Int)
    /// A piece of input came, with this checksum.
    case took(sequence: Int, checksum: String)
    /// The script ends.
    case bye

    /// Whether a line of a console has the beginning of one, of whatever command: `@`, 16 digits of a token, a space.
    package static func isOne(_ line: ArraySlice<UInt8>) -> Bool {
        let head = line.prefix(18)
        return head.count == 18 && head.first == UInt8(ascii: "@") && head.last == UInt8(ascii: " ")
            && head.dropFirst().dropLast().allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    }

    /// What the script found.
    package struct Hello: Equatable, Sendable {
        package var encoding: SerialEncoding
        package var checksum: SerialChecksum
        package var uid: Int
        /// The user's name as the guest says it, if it has one.
        package var user: String?

        package init(encoding: SerialEncoding, checksum: SerialChecksum, uid: Int, user: String? = nil) {
            (self.encoding, self.checksum, self.uid, self.user) = (encoding, checksum, uid, user)
        }
    }

    /// Which part of a stream.
    package struct Part: Equatable, Sendable {
        package var sequence: Int
        package var stream: Stream
        /// The piece, from 1.
        package var number: Int
        /// Where in the piece, in blocks.
        package var offset: Int
    }

    /// A stream of the command's output.
    package enum Stream: String, CaseIterable, Sendable {
        case out, err
    }
}

/// How bytes are written as text: what the guest has a tool for.
package enum SerialEncoding: String, Sendable {
    case base64 = "b"
    /// od(1) writes bytes in hexadecimal; printf(1) reads them as octal escapes.
    case octets = "o"

    /// The bytes of a text; what is not of its alphabet is skipped with the rest of its line, as a kernel's message is that came
    /// in between. Nil if it makes no sense then.
    package func decode(_ text: [UInt8]) -> [UInt8]? {
        var kept: [UInt8] = []
        var isSkipping = false
        for byte in text {
            if byte == UInt8(ascii: "\n") {
                isSkipping = false
            } else if !isSkipping, byte > 0x20 {
                if has(byte) { kept.append(byte) } else { isSkipping = true }
            }
        }
        let digits = String(decoding: kept, as: UTF8.self)
        return self == .base64 ? Base64.decode(digits) : Self.hexadecimal(kept)
    }

    /// Lines for the guest, each short.
    package func lines(of bytes: [UInt8]) -> [String] {
        let length = self == .base64 ? 540 : 180
        return stride(from: 0, to: bytes.count, by: length).map { start in
            let piece = bytes[start..<min(start + length, bytes.count)]
            if self == .base64 { return Base64.encode(piece) }
            return piece.map { byte in
                let digits = String(byte, radix: 8)
                return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            }.joined()
        }
    }

    func has(_ byte: UInt8) -> Bool {
        self == .base64 ? Base64.isLetter(byte) : Self.hexadecimalDigits.contains(byte)
    }

    private static let hexadecimalDigits = Array("0123456789abcdef".utf8)

    private static func hexadecimal(_ digits: [UInt8]) -> [UInt8]? {
        guard digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { start in
            digits[start...start + 1].reduce(0) { $0 << 4 | UInt8(hexadecimalDigits.firstIndex(of: $1) ?? 0) }
        }
    }
}

extension SerialFrame {
    /// The number of the request that it answers.
    package var sequence: Int? {
        switch self {
        case .part(let part, _): part.sequence
        case .fed(let sequence, _), .code(let sequence, _), .end(let sequence, _), .done(let sequence),
            .early(let sequence),
            .took(let sequence, _):
            sequence
        case .ready, .hello, .missing, .bye: nil
        }
    }
}
