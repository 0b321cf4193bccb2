/// The script by which an agent runs a command, for the guest's /bin/sh (POSIX XCU 2).
///
/// The command's output goes into pipes, as a command expects: what opens /dev/stderr by its name would truncate a file. The
/// script holds their other ends. When the command has ended, it becomes a `cat` that passes on what they hold, and the agent
/// has all of it with its next answer: few commands write more than a pipe holds, and to begin processes that wait for output
/// would take longer than they do. Those come for a command that goes on (`KeepingScript`).
///
/// Whoever reads the token, which a third pipe holds, has the pipes: this script or the keepers. It is one byte: `read` takes one
/// at a time.
struct CommandScript {
    let command: GuestCommand

    var text: String {
        [Self.beginning, isFed ? feedingPlace : "", Self.pipes, Self.telling, isFed ? Self.feeding : "", running]
            .filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var isFed: Bool { command.input == .pieces }

    private static let beginning = #"""
        umask 077
        base=$1; shift
        """# + "\n" + GuestCommand.surroundings

    /// The files are the agent's to make: it can't talk to this script otherwise.
    private var feedingPlace: String {
        #"""
        [ -e "$base.\#(command.streams.last ?? "")" ] || exit
        exec 7>>"$base.ctl"
        mkfifo "$base.go" || exit
        """#
    }

    /// A here-document is the one way to a pipe without a process: the shells that guests have keep a short one in a pipe, but bash
    /// makes /dev/null of an empty one. A bash before 5.1 takes a file; its process substitutions are pipes, if there is a
    /// /dev/fd, but not in POSIX mode. The token is in before the last pipe is there, which the keepers wait for: no process
    /// writes it, which might come after the command. Without pipes nothing is executed: the output would be lost.
    private static let pipes = #"""
        exec 6<<end 8<<end 9<<end
        1
        end
        1
        end
        1
        end
        read -r line <&8; read -r line <&9
        if [ ! -p /proc/self/fd/8 ] && [ "$BASH_VERSION" ]; then
            set +o posix
            eval 'exec 6< <(:) && echo 1 >/proc/self/fd/6 && exec 8< <(:) 9< <(:)' 2>/dev/null
        fi
        if [ ! -p /proc/self/fd/6 ] || [ ! -p /proc/self/fd/8 ] || [ ! -p /proc/self/fd/9 ]; then
            echo "$base nopipes"
            exit
        fi
        """#

    /// Tells how the command has ended, with its output unless the keepers have that. `cat` has no child, so that keepers that
    /// come late know it from the rest.
    private static let telling = #"""
        tell() {
            read -r token <&6
            if [ -z "$token" ]; then
                echo "$1" >>"$base.ctl"
                exit
            fi
            exec cat - /proc/self/fd/8 /proc/self/fd/5 /proc/self/fd/9 <<end 5<<end
        $base $1
        end
        $base
        end
        }
        """#

    private static let feeding = GuestCommand.tellingPID + "\n" + GuestCommand.feeding

    private var running: String {
        let errors = command.mergesErrors ? "2>&1" : "2>/proc/self/fd/9"
        let source = command.input == .none ? " </dev/null" : ""
        // A subshell: sh has commands of its own, such as `exit`, which are not the guest's programs.
        // An empty line after the token says that the pipes have their writer: without one they would seem to be at their end.
        let run =
            #"( echo >/proc/self/fd/6; exec 6<&-; umask 022; \#(command.exports)\#(GuestCommand.finding)exec "$@" )"#
        let streams = ">/proc/self/fd/8 \(errors)\(source) 8<&- 9<&-"
        // What opens /dev/stderr by its name is asked for the pipe's own permissions; nobody else gets at it.
        let opening = command.user == nil ? "" : "chmod 666 /proc/self/fd/8 /proc/self/fd/9 2>/dev/null\n"
        let place = opening + command.place { "tell \($0)" }
        guard isFed else { return "\(place)\n\(run) \(streams)\ntell \"code $?\"" }
        return #"""
            \#(place)
            feed | {
                me shell
                \#(run) \#(streams) 7>&-
                code=$?
                echo end 1<>"$base.go"
                exit "$code"
            }
            tell "code $?"
            """#
    }
}

extension GuestCommand {
    /// The script that runs it; its parameters are `arguments(spool:)`.
    package var script: String { CommandScript(command: self).text }
}
