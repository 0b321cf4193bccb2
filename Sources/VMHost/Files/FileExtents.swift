import Glibc
import SystemPackage

/// Where a file has data: what is between these ranges, or behind them, is a hole, which reads as zeros.
///
/// - Throws: why that can't be told. A file system that knows of no holes has none.
package func dataExtents(of file: CInt, size: Int64) throws(Errno) -> [Range<Int64>] {
    var found: [Range<Int64>] = []
    var position: Int64 = 0
    while position < size {
        let data = Int64(lseek(file, off_t(position), seekData))
        if data < 0 {
            switch Errno(rawValue: errno) {
            case .noSuchAddressOrDevice: return found
            case .invalidArgument, .notSupported: return [0..<size]
            case let error: throw error
            }
        }
        let end = Int64(lseek(file, off_t(data), seekHole))
        guard end >= 0 else { throw Errno(rawValue: errno) }
        // It may grow meanwhile.
        if data < size { found.append(data..<min(end, size)) }
        position = end
    }
    return found
}

// SEEK_DATA and SEEK_HOLE of lseek(2), macros that Swift can't read (linux/fs.h).
private let seekData: CInt = 3
private let seekHole: CInt = 4
