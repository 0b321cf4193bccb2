/// A picture as QEMU's `screendump` writes it by default: a binary PPM (ppm(5)) with 8 bits a colour.
package struct Picture: Equatable, Sendable {
    /// In pixels.
    package let width: Int
    /// In pixels.
    package let height: Int
    /// Three bytes a pixel: red, green, blue; line after line.
    let pixels: [UInt8]

    /// Reads a PPM; nil if it is not one.
    package init?(ppm bytes: [UInt8]) {
        var numbers: [Int] = []
        var position = 2
        guard bytes.starts(with: "P6".utf8) else { return nil }
        while numbers.count < 3 {
            guard position < bytes.count, Self.isSpace(bytes[position]) else { return nil }
            position += 1
            let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard digits.count < 6, let number = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
            numbers.append(number)
            position += digits.count
        }
        // One white space ends the header.
        position += 1
        let size = 3 * numbers[0] * numbers[1]
        guard numbers[2] == 255, size > 0, bytes.count == position + size else { return nil }
        (width, height, pixels) = (numbers[0], numbers[1], Array(bytes[position...]))
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a }

    /// Whether all of it has one colour.
    var isBlank: Bool { pixels.indices.dropFirst(3).allSatisfy { pixels[$0] == pixels[$0 - 3] } }

    /// A number for the pixels of a rectangle: equal for equal ones, and else different for all practical purposes.
    func fingerprint(x: Int, y: Int, width: Int, height: Int) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for line in y..<y + height {
            let start = 3 * (line * self.width + x)
            pixels.withUnsafeBufferPointer { bytes in
                // FNV-1a.
                for byte in start..<start + 3 * width { hash = (hash ^ UInt64(bytes[byte])) &* 0x100_0000_01b3 }
            }
        }
        return hash
    }
}

/// A kind of picture that QEMU writes.
package enum PictureFormat: String, CaseIterable, Sendable {
    case png, ppm

    /// Whether these bytes begin like one.
    package func begins(_ bytes: [UInt8]) -> Bool {
        switch self {
        case .png: bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
        case .ppm: bytes.starts(with: "P6\n".utf8)
        }
    }
}
