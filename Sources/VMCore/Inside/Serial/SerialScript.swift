/// What a guest's shell on a serial console is typed, so that it runs a command.
///
/// First one line for whatever shell is there, which starts a POSIX sh without echo and line editing. That loads the script,
/// which then talks in frames (`SerialFrame`): kvmctl asks, the script answers. Nothing that kvmctl sends holds the beginning of a
/// frame, so no echo is taken for one. All waiting in the guest is for a FIFO or the terminal.
package struct SerialScript: Sendable {
    package let command: GuestCommand
    /// Random, and known to this run alone: other text on the console, also of an earlier run, is no frame.
    private let token: String

    /// The longest line that is sent: a line editor may take no more than 1,024 bytes, a terminal no more than 4,096.
    private static let longestLine = 800
    /// The size of the largest piece of output, in blocks, and that of a block in bytes.
    package static let pieceBlocks = 32
    package static let block = 512

    package init(_ command: GuestCommand, token: String) { (self.command, self.token) = (command, token) }

    /// The line for the shell that is there: sh, and csh and fish as well. The space keeps it out of a history that leaves out
    /// such lines (`HISTCONTROL` of bash(1)).
    ///
    /// - Parameter isOwnLogin: whether kvmctl has logged in, and no history is to be kept.
    package func opening(isOwnLogin: Bool) -> String {
        let (first, last) = (token.prefix(8), token.dropFirst(8))
        // Without a tool: sed(1) of busybox reads a line further than it is told to.
        let loading = #"x=;while IFS= read -r l&&[ "$l" != . ];do x=$x$l;done;"#
        let running = #"if [ ${#x} = \#(escaped.utf8.count) ];then eval "$(printf %b "$x")";"#
        return (isOwnLogin ? " unset HISTFILE;" : "")
            + #" sh -c 's=$(stty -g);trap "stty $s" 0;stty -echo icanon icrnl;printf "\n@%s%s %s .\n" \#(first) \#(last) ready;"#
            + loading + running + #"else printf "\n@%s%s %s .\n" \#(first) \#(last) "no script";fi'"#
    }

    /// The lines of the script, for the shell that the opening has started.
    package var lines: [String] {
        let text = Array(escaped.utf8)
        return stride(from: 0, to: text.count, by: Self.longestLine).map {
            String(decoding: text[$0..<min($0 + Self.longestLine, text.count)], as: UTF8.self)
        } + ["."]
    }

    /// A request, as the script reads it.
    package static func request(_ token: String, _ kind: String, _ sequence: Int, _ words: [String]) -> String {
        ([token, kind, String(sequence)] + words + ["."]).joined(separator: " ")
    }

    /// The script for printf(1)'s `%b`, in one line of ASCII.
    private var escaped: String {
        text.utf8.reduce(into: "") { line, byte in
            switch byte {
            case UInt8(ascii: "\n"): line += "\\n"
            case UInt8(ascii: "\\"): line += "\\\\"
            case 0x20..<0x7f: line.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 8)
                line += "\\0" + String(repeating: "0", count: 3 - digits.count) + digits
            }
        }
    }

    private var text: String {
        let words = command.arguments(spool: "").dropFirst(2).map(ShellCommand.singleQuoted).joined(separator: " ")
        let streams = command.mergesErrors ? 1 : 2
        let functions = [
            "umask 077; exec 2>/dev/null 4<&0; T=\(token); streams=\(streams)", Self.beginning,
            account, Self.readiness,
            GuestCommand.tellingPID, command.input == .pieces ? GuestCommand.feeding : "",
            "sig() { (\n\(GuestSignal.script)\n) }", Self.streaming, Self.answering, Self.listening,
            command.running(by: "$own "),
        ]
        let steps = [
            "set -- \(words)", "talk &", "talker=$!", "hear <&4 &", #"echo "helper $!" >&7"#, flow, "wait $talker",
            "exit 0",
        ]
        return (functions.map(Self.withoutIndentation).filter { !$0.isEmpty } + steps).joined(separator: "\n") + "\n"
    }

    /// Whether the command can run as its user.
    private var account: String {
        guard let user = command.user else { return "" }
        return #"""
            [ "$(id -u)" = 0 ] || missing="$missing root"
            id -u -- \#(ShellCommand.singleQuoted(user)) >/dev/null || missing="$missing user"
            """#
    }

    /// A console takes some ten thousand bytes a second.
    private static func withoutIndentation(_ script: String) -> String {
        script.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: "\n")
    }

    /// As with the agent, but what a stream holds is moved piece by piece, each as it is asked for: the command waits for
    /// that as for a slow reader, and nothing fills the guest's memory.
    private var flow: String {
        let feed = command.input == .pieces ? "{ me helper; feed; } | " : ""
        let run = #"{ run "$@"; } 4<&- 8<&-"#
        return command.mergesErrors
            ? "\(feed)\(run) | keep out"
            : "{ \(feed)\(run) | keep err 9>&-; } 9>&1 | keep out"
    }
}
