import SystemPackage

/// Reads a number of bytes of a file from an offset: fewer if the file ends before.
package typealias FileBytes = (_ offset: Int64, _ count: Int) throws(Errno) -> [UInt8]

/// Numbers at fixed places of a header; 0 if the header is too short.
extension [UInt8] {
    func littleEndian(at offset: Int, bytes: Int) -> UInt64 {
        guard offset >= 0, count >= offset + bytes else { return 0 }
        return self[offset..<offset + bytes].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    func bigEndian(at offset: Int, bytes: Int) -> UInt64 {
        guard offset >= 0, count >= offset + bytes else { return 0 }
        return self[offset..<offset + bytes].reduce(0) { $0 << 8 | UInt64($1) }
    }

    func has(_ text: String, at offset: Int = 0) -> Bool {
        count >= offset + text.utf8.count && self[offset...].starts(with: text.utf8)
    }
}
