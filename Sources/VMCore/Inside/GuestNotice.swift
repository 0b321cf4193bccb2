/// What the scripts of a `GuestCommand` tell, a line each.
package enum GuestNotice: Equatable, Sendable {
    /// The process that is the parent of the command, if that is not the one with the script.
    case shell(pid: Int64)
    /// The shell of the keepers.
    case keepers(pid: Int64)
    /// The process that moves a stream to its spool file.
    case keeper(of: String, pid: Int64)
    /// Pieces of the input can be sent.
    case ready
    /// A piece of the input was read.
    case read(number: Int64)
    /// There is no such directory.
    case lostDirectory
    /// There is no such user.
    case lostUser
    /// A terminal can't be had: there is no script(1), or no /dev/pts.
    case lostTerminal
    /// The guest's shell has no way to make a pipe.
    case lostPipes
    /// Some of the output could not be kept: what moves it to its spool file ended with this code.
    case cut(code: Int32)
    /// The command had ended when the keepers came, and its output is passed on by its script, but for what comes later.
    case late
    /// All of the output was kept.
    case drained
    /// The command has ended, with this code.
    case code(Int32)

    /// Reads a line; nil for one that is not the script's.
    package init?(_ line: some StringProtocol) {
        let words = line.split(separator: " ")
        let number = words.count == 2 ? Int64(words[1]).flatMap { $0 >= 0 ? $0 : nil } : nil
        switch (words.first, number) {
        // Signals are sent to it and to its children: never to init's.
        case ("shell", let pid?) where pid > 1: self = .shell(pid: pid)
        case ("keepers", let pid?) where pid > 1: self = .keepers(pid: pid)
        case ("out", let pid?) where pid > 1: self = .keeper(of: "out", pid: pid)
        case ("err", let pid?) where pid > 1: self = .keeper(of: "err", pid: pid)
        case ("ready", nil): self = .ready
        case ("read", let number?): self = .read(number: number)
        case ("lost", nil): self = .lostDirectory
        case ("nouser", nil): self = .lostUser
        case ("noterminal", nil): self = .lostTerminal
        case ("nopipes", nil): self = .lostPipes
        case ("late", nil): self = .late
        case ("drained", nil): self = .drained
        case ("cut", let code?): self = .cut(code: Int32(truncatingIfNeeded: code))
        case ("code", let code?) where code < 256: self = .code(Int32(truncatingIfNeeded: code))
        default: return nil
        }
    }
}

/// The notices of a script, as their bytes come in.
package struct GuestNotices: Sendable {
    /// The beginning of a line that is not complete yet.
    private var line: [UInt8] = []
    /// The script's lines are short.
    private static let longest = 4096

    package init() {}

    /// Takes in bytes; returns the notices that are complete now.
    package mutating func take(_ bytes: [UInt8]) -> [GuestNotice] {
        var lines = (line + bytes).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        line = lines.popLast().map { $0.count > Self.longest ? [] : Array($0) } ?? []
        return lines.compactMap { GuestNotice(String(decoding: $0, as: UTF8.self)) }
    }
}
