/// The archive format of tar(1): a header of 512 bytes for each file, then its content, filled up to 512 bytes (POSIX,
/// pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format").
enum TarFormat {
    static let block = 512

    /// A field of the header: where it begins, and its length.
    typealias Field = (start: Int, length: Int)
    static let name: Field = (0, 100)
    static let mode: Field = (100, 8)
    static let owner: Field = (108, 8)
    static let group: Field = (116, 8)
    static let size: Field = (124, 12)
    static let modified: Field = (136, 12)
    static let checksum: Field = (148, 8)
    static let type = 156
    static let linkTarget: Field = (157, 100)
    static let magic: Field = (257, 8)
    static let prefix: Field = (345, 155)

    /// What GNU tar has there, which names and targets of any length go with.
    static let gnuMagic = Array("ustar  \0".utf8)
    /// The same of POSIX, whose header has a prefix for the name.
    static let posixMagic = Array("ustar\0".utf8)

    /// Where GNU tar has the map of a file with holes: offset and length of each piece, whether more follow, the whole size.
    static let sparsePieces: Field = (386, 4 * 24)
    static let sparseGoesOn = 482
    static let wholeSize: Field = (483, 12)
    /// The same in a block of its own.
    static let furtherPieces: Field = (0, 21 * 24)
    static let furtherGoOn = 504

    /// The sum of a header's bytes, its own field taken as spaces.
    static func sum(_ header: ArraySlice<UInt8>) -> Int {
        let field = header.startIndex + checksum.start
        return header.indices.reduce(0) { sum, index in
            sum + (field..<(field + checksum.length) ~= index ? 0x20 : Int(header[index]))
        }
    }

    /// The number in a field: octal, or, where the first bit is set, binary. Nil if it is neither.
    static func number(_ field: Field, of header: ArraySlice<UInt8>) -> Int64? {
        let bytes = header.dropFirst(field.start).prefix(field.length)
        guard let first = bytes.first, bytes.count == field.length else { return nil }
        if first & 0x80 != 0 {
            // Two's complement; 0xff is for one that is negative.
            let rest = bytes.dropFirst().suffix(8)
            guard first == 0x80 || first == 0xff,
                bytes.dropFirst().dropLast(8).allSatisfy({ $0 == (first & 0x7f == 0 ? 0 : 0xff) })
            else { return nil }
            return rest.reduce(first == 0xff ? -1 : 0) { $0 << 8 | Int64($1) }
        }
        var value: Int64 = 0
        for byte in bytes.drop(while: { $0 == 0x20 }) {
            if byte == 0 || byte == 0x20 { break }
            guard byte & 0xf8 == 0x30, value < 1 << 59 else { return nil }
            value = value << 3 | Int64(byte & 7)
        }
        return value
    }

    /// The text in a field, as far as its first NUL.
    static func text(_ field: Field, of header: ArraySlice<UInt8>) -> [UInt8] {
        Array(header.dropFirst(field.start).prefix(field.length).prefix { $0 != 0 })
    }
}
