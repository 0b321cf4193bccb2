/// The names of other files in the header of a qcow2 image (QEMU, docs/interop/qcow2).
package struct QCOW2Header: Equatable {
    /// A file that part of the image is in.
    package enum Part: Equatable {
        /// Its name, as the header has it: relative to the image's own directory, or with a protocol before it.
        case named(String)
        /// The name is not in the part of the file that was read, or is not valid.
        case unreadable
    }

    /// The backing file, which this image is a difference to.
    package var backing: Part?
    /// The backing file's format, by QEMU's name; nil: its first bytes tell.
    package var backingFormat: String?
    /// The raw file that holds the data.
    package var data: Part?

    private static let magic: [UInt8] = [0x51, 0x46, 0x49, 0xfb]
    private static let dataFileExtension: UInt64 = 0x4441_5441
    private static let backingFormatExtension: UInt64 = 0xe279_2aca

    /// The size of the disk that an image holds, from its first 32 bytes; nil if it is not qcow2.
    package static func virtualSize(in bytes: [UInt8]) -> ByteCount? {
        guard bytes.starts(with: magic), bytes.count >= 32 else { return nil }
        return ByteCount(bytes: Int64(clamping: number(bytes, at: 24, bytes: 8)))
    }

    /// Reads the beginning of an image; nil if it is not qcow2.
    package init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.magic), Self.number(bytes, at: 4, bytes: 4) >= 2 else { return nil }
        let version = Self.number(bytes, at: 4, bytes: 4)
        let backingOffset = Self.number(bytes, at: 8, bytes: 8)
        if backingOffset != 0 {
            backing = Self.text(bytes, at: backingOffset, length: Self.number(bytes, at: 16, bytes: 4), most: 1023)
            if case .named(let format)? = Self.extensionText(Self.backingFormatExtension, in: bytes) {
                backingFormat = format
            }
        }
        // Incompatible feature bit 2: an external data file.
        guard version >= 3, Self.number(bytes, at: 72, bytes: 8) & 4 != 0 else { return }
        data = Self.extensionText(Self.dataFileExtension, in: bytes) ?? .unreadable
    }

    /// The content of a header extension. Each has its type, its length, and padding to eight bytes.
    private static func extensionText(_ wanted: UInt64, in bytes: [UInt8]) -> Part? {
        // The header of version 2 has one length, and does not tell it.
        var offset = number(bytes, at: 4, bytes: 4) >= 3 ? number(bytes, at: 100, bytes: 4) : 72
        while offset >= 72, offset + 8 <= UInt64(bytes.count) {
            let type = number(bytes, at: Int(offset), bytes: 4)
            let length = number(bytes, at: Int(offset) + 4, bytes: 4)
            if type == wanted { return text(bytes, at: offset + 8, length: length, most: 1023) }
            guard type != 0 else { return nil }
            offset += 8 + (length + 7) / 8 * 8
        }
        return nil
    }

    private static func text(_ bytes: [UInt8], at offset: UInt64, length: UInt64, most: UInt64) -> Part {
        guard length <= most, length > 0, offset <= UInt64(bytes.count), offset + length <= UInt64(bytes.count) else {
            return .unreadable
        }
        return .named(String(decoding: bytes[Int(offset)..<Int(offset + length)], as: UTF8.self))
    }

    /// A big-endian number; 0 if the header is too short.
    private static func number(_ header: [UInt8], at offset: Int, bytes: Int) -> UInt64 {
        guard header.count >= offset + bytes else { return 0 }
        return header[offset..<offset + bytes].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
