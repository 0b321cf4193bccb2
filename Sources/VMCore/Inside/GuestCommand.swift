/// A command for a guest: what is executed there, as whom, where, and what it reads and writes.
package struct GuestCommand: Equatable, Sendable {
    /// Where the command's input comes from.
    package enum Input: Equatable, Sendable {
        /// There is none: it reads /dev/null.
        case none
        /// These bytes, and then the end.
        case given([UInt8])
        /// Pieces, which follow while it runs.
        case pieces
    }

    /// A terminal.
    package struct Terminal: Equatable, Sendable {
        /// Its size, in characters.
        package var rows: UInt16
        package var columns: UInt16
        /// Its name in terminfo(5).
        package var type: String

        package init(rows: UInt16, columns: UInt16, type: String) {
            (self.rows, self.columns, self.type) = (rows, columns, type)
        }
    }

    /// The program, looked up in the guest's PATH, and its arguments.
    package var words: [String]
    /// The user that it runs as; nil: as the agent, which is root.
    package var user: String?
    /// The directory that it runs in; nil: the user's home.
    package var directory: String?
    /// `NAME=VALUE`, added to its environment.
    package var environment: [String] = []
    /// The terminal that it gets, made by script(1) in the guest; nil: none.
    package var terminal: Terminal?
    package var input = Input.none
    /// Whether stdout and stderr are one stream, which keeps them in order.
    package var mergesErrors = false
    /// Whether its output is known to be much, so that it is followed from the start.
    package var writesMuch = false
    /// Whether the guest is gone soon after it, so that nothing has to be tidied there.
    package var isLast = false

    /// A command with these words.
    package init(_ words: [String]) { self.words = words }

    /// The names of its streams.
    package var streams: [String] { mergesErrors ? ["out"] : ["out", "err"] }

    /// The parameters of the script, `$0` first: the base name of the spool files, then what the caller chose, which never is a
    /// part of the script.
    package func arguments(spool: String) -> [String] {
        ["kvmctl", spool] + (directory.map { [$0] } ?? []) + (user == nil ? environment : []) + dressed
    }

    /// The words, as this user, on a terminal.
    private var dressed: [String] {
        var words = words
        if let user {
            let home = directory == nil ? "cd 2>/dev/null || cd /; " : ""
            // As of now: su has set HOME and what else tells who it is.
            let body = home + exporting + Self.finding + #"exec "$@""#
            words = environment + words
            if let number = Self.number(user) {
                let switching = #"exec su -s /bin/sh -c "$0" -- "$(\#(Self.accountName(number)))" sh "$@""#
                words = ["sh", "-c", switching, body] + words
            } else {
                words = ["su", "-s", "/bin/sh", "-c", body, "--", user, "sh"] + words
            }
        }
        if let terminal {
            let line = words.map(ShellCommand.singleQuoted).joined(separator: " ")
            let size = "stty rows \(terminal.rows) cols \(terminal.columns)"
            let type = "export TERM=\(ShellCommand.singleQuoted(terminal.type))"
            words = ["script", "-qec", "\(size); \(type); set -- \(line); \(Self.finding)exec \"$@\"", "/dev/null"]
        }
        return words
    }

    /// The user's number, if it is one.
    private static func number(_ user: String) -> UInt32? { user.allSatisfy(\.isASCII) ? UInt32(user) : nil }

    /// A shell command that prints the name of the user with this number, as su takes names alone; busybox's `id` too.
    private static func accountName(_ number: UInt32) -> String {
        "id -un -- \(number) 2>/dev/null || while IFS=: read -r name x id x; do "
            + "if [ \"$id\" = \(number) ]; then echo \"$name\"; break; fi; done </etc/passwd"
    }

    /// Tells of a program that is not there as a shell tells of it: by itself it would name the line of a script that the user
    /// has not written.
    static let finding =
        #"case $1 in */*) [ -e "$1" ];; *) command -v -- "$1";; esac >/dev/null 2>&1 || "#
        + #"{ echo "$1: not found" >&2; exit 127; }; "#

    /// What an agent that init has started may lack.
    static let surroundings =
        #"export HOME="${HOME:-/root}" PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}""#

    /// Has the variables of the command's environment, which are the next parameters, exported; not here if su does so.
    var exports: String { user == nil ? exporting : "" }

    private var exporting: String { environment.map { _ in #"export "$1"; shift; "# }.joined() }

    /// Looks for the user and for what makes a terminal, and enters the directory.
    ///
    /// - Parameter end: what ends the script with a notice, which it is given.
    func place(_ end: (String) -> String) -> String {
        // su would fail like a command that ends with 1.
        let account =
            user.map { user in
                let look =
                    Self.number(user).map { "[ \"$(\(Self.accountName($0)))\" ]" }
                    ?? "id -u -- \(ShellCommand.singleQuoted(user))"
                return "\(look) >/dev/null 2>&1 || \(end("nouser"))\n"
            } ?? ""
        // What script(1) says of it would look like the command's own words, and its exit code like the command's.
        let pty = "{ [ -d /dev/pts ] && command -v script; } >/dev/null 2>&1 || \(end("noterminal"))\n"
        let checks = account + (terminal == nil ? "" : pty)
        if directory != nil { return checks + #"cd -- "$1" 2>/dev/null || \#(end("lost")); shift"# }
        return checks + (user == nil ? #"cd "$HOME" 2>/dev/null || cd /"# : "")
    }

    /// Tells the pid of the shell that calls it, which `$$` is not in a subshell.
    static let tellingPID = #"""
        me() { { read -r pid rest; } </proc/self/stat; echo "$1 $pid" >&7; }
        """#

    /// The pieces of the input arrive as files, and their numbers through a FIFO. A piece that nobody reads any more is
    /// as good as read.
    static let feeding = #"""
        feed() {
            last=0
            while read -r number && [ "$number" != end ]; do
                [ "$number" -gt "$last" ] || continue
                last=$number
                cat "$base.in$number"
                rm -f "$base.in$number"
                echo "read $number" >&7
            done 0<>"$base.go" 9>&-
        }
        echo ready >&7
        """#

    /// Runs the command, with its directory and environment, for a script that passes the streams on itself.
    ///
    /// - Parameter launcher: what the shell is to execute it by, as shell text.
    func running(by launcher: String = "") -> String {
        let redirections = mergesErrors ? "2>&1" : "2>&1 1>&9 9>&-"
        let source = input == .none ? " </dev/null" : ""
        let body = [
            "umask 022", "me shell", Self.surroundings, place { "{ echo \($0) >&7; exit; }" }, exports,
            // A subshell: sh has commands of its own, such as `exit`, which are not the guest's programs.
            #"( \#(Self.finding)exec \#(launcher)"$@" ) 7>&- \#(redirections)\#(source)"#,
            #"echo "code $?" >&7"#,
            input == .pieces ? #"echo end 1<>"$base.go""# : "",
        ]
        return "run() {\n" + body.filter { !$0.isEmpty }.map { "    \($0)\n" }.joined() + "}"
    }
}
