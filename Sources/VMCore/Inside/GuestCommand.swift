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
    /// Whether the guest is gone soon after it, so that nothing has to be tidied there.
    package var isLast = false

    /// A command with these words.
    package init(_ words: [String]) { self.words = words }

    /// The parameters of the script, `$0` first: the base name of the spool files, then what the caller chose, which never is a
    /// part of the script.
    package func arguments(spool: String) -> [String] {
        ["kvmctl", spool] + (directory.map { [$0] } ?? []) + environment + dressed
    }

    /// The words, as this user, on a terminal.
    private var dressed: [String] {
        var words = words
        if let user {
            let home = directory == nil ? "cd 2>/dev/null || cd /; " : ""
            words = ["su", "-s", "/bin/sh", "-c", home + Self.finding + #"exec "$@""#, "--", user, "sh"] + words
        }
        if let terminal {
            let line = words.map(ShellCommand.singleQuoted).joined(separator: " ")
            let size = "stty rows \(terminal.rows) cols \(terminal.columns)"
            let type = "export TERM=\(ShellCommand.singleQuoted(terminal.type))"
            words = ["script", "-qec", "\(size); \(type); set -- \(line); \(Self.finding)exec \"$@\"", "/dev/null"]
        }
        return words
    }

    /// The script for the guest's /bin/sh (POSIX XCU 2).
    ///
    /// The command's output goes through pipes, as a command expects: what opens /dev/stderr by its name would truncate a
    /// file. `cat` moves it to spool files that the agent can read. On `$base.ctl` the script tells what kvmctl has to
    /// know (`GuestNotice`).
    package var script: String {
        let feed = input == .pieces ? "feed | " : ""
        let flow =
            mergesErrors
            ? "\(feed){ run \"$@\"; } | { keep out; } || echo \"cut $?\" >&7"
            : "{ \(feed){ run \"$@\"; } | { keep err; } || echo \"cut $?\" >&7; } 9>&1 | { keep out; } || echo \"cut $?\" >&7"
        return [
            Self.beginning, input == .pieces ? Self.feedingPlace + Self.feeding : "", Self.keeping, running(), flow,
            isLast ? "" : Self.tidying,
        ].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static let beginning = #"""
        umask 077
        base=$1; shift
        [ -e "$base.out" ] || exit
        exec 7>>"$base.ctl"
        """# + "\n" + tellingPID

    /// Tells the pid of the shell that calls it, which `$$` is not in a subshell.
    static let tellingPID = #"""
        me() { { read -r pid rest; } </proc/self/stat; echo "$1 $pid" >&7; }
        """#

    /// The pieces of the input arrive as files, and their numbers through a FIFO. A piece that nobody reads any more is
    /// as good as read.
    private static let feedingPlace = #"""
        mkfifo "$base.go" || exit
        """# + "\n"
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

    /// The limit is for a spool file that nobody reads any more, because kvmctl was killed: the command gets SIGPIPE.
    private static let keeping = #"""
        keep() {
            me "$1"
            ulimit -f 131072
            exec cat >>"$base.$1" 7>&- 9>&-
        }
        """#

    /// In the background, so that nobody has to wait for it.
    private static let tidying = #"""
        rm -f "$base".* 7>&- &
        """#

    /// Makes the directory of the spool files, `$1`.
    package static let placeScript = #"""
        umask 077; mkdir -p "$1"
        """#

    /// Removes pieces of the input that came when the script had ended; `$1` is the base name.
    package static let lateTidying = #"""
        rm -f "$1".*
        """#

    /// Tells of a program that is not there as a shell tells of it: by itself it would name the line of a script that the user
    /// has not written.
    static let finding =
        #"case $1 in */*) [ -e "$1" ];; *) command -v -- "$1";; esac >/dev/null 2>&1 || "#
        + #"{ echo "$1: not found" >&2; exit 127; }; "#

    /// Runs the command, with its directory and environment.
    ///
    /// - Parameter launcher: what the shell is to execute it by, as shell text.
    func running(by launcher: String = "") -> String {
        // su would fail like a command that ends with 1.
        let account =
            user.map { "id -u -- \(ShellCommand.singleQuoted($0)) >/dev/null 2>&1 || { echo nouser >&7; exit; }" } ?? ""
        let exports = environment.map { _ in #"export "$1"; shift"# }.joined(separator: "; ")
        let place =
            if directory != nil {
                #"cd -- "$1" || { echo lost >&7; exit; }; shift"#
            } else if user == nil {
                #"cd "$HOME" 2>/dev/null || cd /"#
            } else { "" }
        let redirections = mergesErrors ? "2>&1" : "2>&1 1>&9 9>&-"
        let source = input == .none ? " </dev/null" : ""
        let body = [
            "umask 022", "me shell",
            #"export HOME="${HOME:-/root}" PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}""#,
            account, place, exports,
            // A subshell: sh has commands of its own, such as `exit`, which are not the guest's programs.
            #"( \#(Self.finding)exec \#(launcher)"$@" ) 7>&- \#(redirections)\#(source)"#,
            #"echo "code $?" >&7"#,
            input == .pieces ? #"echo end 1<>"$base.go""# : "",
        ]
        return "run() {\n" + body.filter { !$0.isEmpty }.map { "    \($0)\n" }.joined() + "}"
    }
}
