import Glibc
import SystemPackage

/// Writes bytes at an offset of a file that has nothing there yet. Where they are zeros, it gets a hole.
package func writeSparsely(_ bytes: [UInt8], at offset: Int64, to file: CInt) throws(Errno) {
    var position = 0
    while position < bytes.count {
        // In step with the file's blocks.
        let step = sparseBlock - Int((offset + Int64(position)) % Int64(sparseBlock))
        let end = min(bytes.count, position + step)
        if !isZero(bytes[position..<end]) {
            try writeAll(bytes[position..<end], at: offset + Int64(position), to: file)
        }
        position = end
    }
}

/// Writes all bytes at an offset of a file.
package func writeAll(_ bytes: ArraySlice<UInt8>, at offset: Int64, to file: CInt) throws(Errno) {
    var rest = bytes
    while !rest.isEmpty {
        let position = off_t(offset) + off_t(rest.startIndex - bytes.startIndex)
        let count = rest.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, position) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw count < 0 ? Errno(rawValue: errno) : .noSpace }
        rest.removeFirst(count)
    }
}

/// What a hole is at least.
private let sparseBlock = 64 << 10

/// Whether all bytes are zero: the first one is, and each is as the one before.
private func isZero(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress, bytes.count > 1 else { return bytes.first == 0 }
        return bytes[0] == 0 && memcmp(start, start + 1, bytes.count - 1) == 0
    }
}

/// Copies a file into an empty one, whose holes are where the zeros are.
func copySparsely(_ source: CInt, to copy: CInt) throws(Errno) {
    var position: Int64 = 0
    while true {
        let piece = try readBytes(of: source, at: position, count: 1 << 20)
        if piece.isEmpty { break }
        try writeSparsely(piece, at: position, to: copy)
        position += Int64(piece.count)
    }
    guard ftruncate(copy, off_t(position)) == 0 else { throw Errno(rawValue: errno) }
}
