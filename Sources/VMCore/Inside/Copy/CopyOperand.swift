/// A side of a copy, as on the command line: a path on the host, or `VM:PATH` in a guest.
package enum CopyOperand: Equatable, Sendable {
    case host(String)
    /// An empty path is the user's home directory.
    case guest(vm: String, path: String)

    /// As of scp(1): what has a colon before any slash names a guest. `./a:b` is a file of the host.
    package init(_ text: String) throws(VMError) {
        guard let mark = text.firstIndex(where: { $0 == ":" || $0 == "/" }), text[mark] == ":" else {
            guard !text.isEmpty else { throw VMError(.usage, "''", "is not a path") }
            guard text != "-" else {
                throw VMError(
                    .usage, text, "stdin and stdout are not copied",
                    remedy: "they are a command's: \(command: Self.fromStdin), or \(command: Self.toStdout)")
            }
            self = .host(text)
            return
        }
        guard mark > text.startIndex else {
            throw VMError(.usage, text, "names no VM before its colon", remedy: "a file of the host: ./\(text)")
        }
        self = .guest(vm: String(text[..<mark]), path: String(text[text.index(after: mark)...]))
    }

    private static let fromStdin = ShellCommand(words: ["kvmctl", "exec", "VM", "--", "sh", "-c", "cat >FILE"])
    private static let toStdout = ShellCommand(words: ["kvmctl", "exec", "VM", "--", "cat", "FILE"])

    /// The path in a guest; its user's home directory is where a relative one begins.
    package static func guestPath(_ path: String) -> String {
        if path.isEmpty || path == "~" || path == "~/" { return "." }
        return path.hasPrefix("~/") ? String(path.drop { $0 == "~" || $0 == "/" }) : path
    }

    /// The name that it has within a directory that it is copied into; empty: its content is what goes there.
    package static func name(of path: String) -> [UInt8] {
        let last = path.utf8.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
        return last == Array(".".utf8) || last == Array("..".utf8) ? [] : last
    }
}
