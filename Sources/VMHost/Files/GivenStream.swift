import Glibc
import VMCore

/// A stream that this process was given.
package enum GivenStream {
    /// Whether two of them are one.
    package static func isSame(_ one: CInt, _ other: CInt) -> Bool {
        var (first, second) = (stat(), stat())
        guard fstat(one, &first) == 0, fstat(other, &second) == 0 else { return false }
        return FileIdentity(first) == FileIdentity(second)
    }

    /// Whether it is /dev/null (null(4)).
    package static func isNull(_ descriptor: CInt) -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.kind == S_IFCHR else { return false }
        return status.st_rdev == 0x103
    }
}
