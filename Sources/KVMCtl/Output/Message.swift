import Glibc
import VMCore

/// What is said on stderr. Results go to stdout.
enum Message {
    /// A failure: what, why, what to do.
    static func error(_ error: VMError) { write("kvmctl: \(printable(error.description))\n") }

    /// Something the user should know that is no failure.
    static func note(_ text: String) { write("kvmctl: \(printable(text))\n") }

    /// Text as it is, unbuffered.
    static func write(_ text: String) { _ = write(Array(text.utf8), to: STDERR_FILENO) }

    /// Bytes as they are, unbuffered; false where nobody takes them any more.
    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return false }
            written += max(0, count)
        }
        return true
    }
}

/// Text that can't drive a terminal: control characters, which a guest or a file name may have put there, are shown
/// like `\x1b`.
func printable(_ text: String, keeping kept: Set<UInt8> = [0x0a, 0x09]) -> String {
    guard text.utf8.contains(where: { ($0 < 0x20 || $0 == 0x7f) && !kept.contains($0) }) else { return text }
    return text.unicodeScalars.reduce(into: "") { result, scalar in
        let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
        if isControl, !(scalar.value < 0x80 && kept.contains(UInt8(scalar.value))) {
            result += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
}
