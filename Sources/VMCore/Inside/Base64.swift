/// Base64 (RFC 4648, section 4), in which the guest agent sends and takes bytes.
package enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")
    /// The value of each letter; 0xff: it is none.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    /// Bytes as text.
    package static func encode(_ bytes: some RandomAccessCollection<UInt8>) -> String {
        let bytes = Array(bytes)
        let length = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: length) { text in
            letters.withUnsafeBufferPointer { letters in
                var written = 0
                for start in stride(from: 0, to: bytes.count, by: 3) {
                    let count = min(3, bytes.count - start)
                    let second = count > 1 ? UInt32(bytes[start + 1]) : 0
                    let third = count > 2 ? UInt32(bytes[start + 2]) : 0
                    let group = UInt32(bytes[start]) << 16 | second << 8 | third
                    for position in 0..<4 {
                        let letter = letters[Int(group >> UInt32(18 - 6 * position) & 63)]
                        text[written + position] = position <= count ? letter : padding
                    }
                    written += 4
                }
            }
            return length
        }
    }

    /// Whether a byte can be in such a text.
    static func isLetter(_ byte: UInt8) -> Bool { values[Int(byte)] != 0xff || byte == padding }

    /// The bytes of a text; nil if it is not base64.
    package static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { letters in
            guard letters.count % 4 == 0 else { return nil }
            let padded = letters.suffix(2).count { $0 == padding }
            let digits = UnsafeBufferPointer(rebasing: letters.prefix(letters.count - padded))
            var isValid = true
            let bytes = [UInt8](unsafeUninitializedCapacity: letters.count / 4 * 3) { bytes, written in
                values.withUnsafeBufferPointer { values in
                    var group: UInt32 = 0
                    var bits = 0
                    for digit in digits {
                        let value = values[Int(digit)]
                        if value == 0xff { isValid = false }
                        group = group << 6 | UInt32(value & 63)
                        bits += 6
                        if bits >= 8 {
                            bits -= 8
                            bytes[written] = UInt8(truncatingIfNeeded: group >> UInt32(bits))
                            written += 1
                        }
                    }
                }
            }
            return isValid ? bytes : nil
        }
    }
}
