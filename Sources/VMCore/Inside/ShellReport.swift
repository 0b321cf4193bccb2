/// What the script of a command has passed on at its end (`CommandScript`): how the command ended, and the output that the keepers
/// did not take.
package struct ShellReport: Equatable, Sendable {
    /// How the command ended; nil: the script was ended before.
    package private(set) var notice: GuestNotice?
    /// What the pipe of stdout held.
    package private(set) var output: [UInt8] = []
    /// What that of stderr held.
    package private(set) var errors: [UInt8] = []

    /// - Parameters:
    ///   - text: the script's stdout: the notice after the mark, the output, and the errors after the mark.
    ///   - mark: the base name of the spool files, which nobody can guess.
    package init(_ text: [UInt8], mark: String) {
        let mark = Array(mark.utf8)
        guard text.starts(with: mark + [UInt8(ascii: " ")]), let end = text.firstIndex(of: Self.newline) else { return }
        notice = GuestNotice(String(decoding: text[(mark.count + 1)..<end], as: UTF8.self))
        let rest = text[(end + 1)...]
        guard let second = Self.first(mark + [Self.newline], in: rest) else {
            output = Array(rest)
            return
        }
        output = Array(rest[..<second])
        errors = Array(rest[(second + mark.count + 1)...])
    }

    private static let newline = UInt8(ascii: "\n")

    private static func first(_ mark: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        var start = text.startIndex
        while let next = text[start...].firstIndex(of: mark[0]) {
            if text[next...].starts(with: mark) { return next }
            start = next + 1
        }
        return nil
    }
}
