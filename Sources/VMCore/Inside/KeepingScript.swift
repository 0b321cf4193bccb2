/// The script that moves what a command writes from its pipes to spool files, which the agent can read while they grow. It is
/// executed once the command's end does not come at once. On `$1.ctl` it tells what kvmctl has to know (`GuestNotice`).
package struct KeepingScript {
    /// Makes the directory of the spool files, `$1`.
    package static let place = #"""
        umask 077; mkdir -p "$1"
        """#

    /// Removes pieces of the input that came when the script had ended; `$1` is the base name.
    package static let lateTidying = #"""
        rm -f "$1".*
        """#

    private let command: GuestCommand

    package init(_ command: GuestCommand) { self.command = command }

    /// - Parameter shell: the process with the command's script.
    package func arguments(spool: String, shell: Int64) -> [String] { ["kvmctl", spool, String(shell)] }

    package var text: String {
        let signal = "sig() { (\n\(GuestSignal.script)\n) }"
        let errors = command.mergesErrors ? "" : "keep err <&9 &"
        return [
            beginning, command.isLast ? "" : Self.tidying, GuestCommand.tellingPID, "me keepers", signal, Self.taking,
            Self.keeping,
            "keep out <&8 &", errors, Self.end,
        ].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// It may be executed twice, if the agent's answer was lost: the first has it.
    private var beginning: String {
        #"""
        umask 077
        base=$1 main=$2
        [ -e "$base.\#(command.streams.last ?? "")" ] && [ ! -e "$base.kept" ] || exit
        : >"$base.kept"
        exec 7>>"$base.ctl"
        """#
    }

    private static let tidying = #"""
        trap 'rm -f "$base".*' EXIT
        trap exit HUP INT TERM
        """#

    /// Takes the pipes, once they are there and the command has them: its shell may have just begun. Without the token they are a
    /// `cat`'s, and the command has ended: what that left running may hold them open, and write. `cat` sleeps only when it has passed
    /// on all that they held.
    private static let taking = #"""
        until [ -p "/proc/$main/fd/9" ]; do
            [ -e "/proc/$main/fd/0" ] || exit
            sleep 0.1 2>/dev/null || sleep 1
        done
        exec 6<"/proc/$main/fd/6" 8<"/proc/$main/fd/8" 9<"/proc/$main/fd/9"
        read -r token <&6
        if [ -z "$token" ]; then
            echo late >&7
            asleep=
            turns=0
            while [ $turns -lt 100 ]; do
                { read -r status <"/proc/$main/stat"; } 2>/dev/null || exit
                case ${status##*) } in
                    S*) [ "$asleep" ] && break; asleep=1 ;;
                    Z*) exit ;;
                    T*) asleep= ;;
                    *) asleep=; turns=$((turns + 1)) ;;
                esac
                sleep 0.1 2>/dev/null || sleep 1
            done
            kill -s KILL "$main"
        else
            until read -r line <&6; do
                [ -e "/proc/$main/fd/0" ] || break
                sleep 0.1 2>/dev/null || sleep 1
            done
        fi
        """#

    /// The limit is for a spool file that nobody reads any more, because kvmctl was killed. Where there is no room for more,
    /// the command is told as by a pipe that nobody reads; if it writes on, that goes nowhere.
    private static let keeping = #"""
        keep() {
            ( me "$1"; ulimit -f 131072; exec cat >>"$base.$1" 6<&- 7>&- 8<&- 9<&- ) && return
            echo "cut $?" >&7
            sig PIPE "$main"
            exec cat >/dev/null
        }
        """#

    /// The shell of the command has something to tell too, in a file that must not be made again after it was removed.
    private static let end = #"""
        exec 6<&- 8<&- 9<&-
        wait
        echo drained >&7
        while [ -e "/proc/$main/fd/6" ]; do sleep 0.1 2>/dev/null || sleep 1; done
        """#
}
