/// A signal for the processes of a guest, sent by a script of the guest's /bin/sh: its agent has no command for that.
package enum GuestSignal: String, Sendable {
    case hangup = "HUP"
    case interrupt = "INT"
    case quit = "QUIT"
    case terminate = "TERM"
    /// Ctrl-Z stops kvmctl, not the command.
    case suspend = "TSTP"
    case kill = "KILL"
    case brokenPipe = "PIPE"

    /// The signal with this number; nil for one that is not passed on.
    package init?(number: Int32) {
        switch number {
        case 1: self = .hangup
        case 2: self = .interrupt
        case 3: self = .quit
        case 15: self = .terminate
        case 20: self = .suspend
        default: return nil
        }
    }

    /// Sends a signal to all descendants of some processes, `$2`: kvmctl knows only the shells that started them. Those of the
    /// names `$3` are passed over. Ends with 1 if there are none.
    package static let script = #"""
        signal=$1; parents=$2; passed=" $3 "; found=
        while [ "$parents" ]; do
            children=
            for entry in /proc/[0-9]*; do
                { read -r status <"$entry/stat"; } 2>/dev/null || continue
                set -- ${status##*) }
                case " $parents " in *" $2 "*) ;; *) continue ;; esac
                children="$children ${entry#/proc/}"
                name=${status#*\(}
                case $passed in *" ${name%\)*} "*) ;; *) found="$found ${entry#/proc/}" ;; esac
            done
            parents=${children# }
        done
        set -- $found
        [ $# -gt 0 ] || exit 1
        kill -s "$signal" "$@" 2>/dev/null
        exit 0
        """#

    /// What a signal passes over: script(1) and su(1) tell how the command ended only if they go on themselves. They do not outlive
    /// it, but are killed with it.
    package func passedOver(by command: GuestCommand) -> String {
        if self == .kill { return "" }
        return [command.terminal.map { _ in "script" }, command.user.map { _ in "su" }].compactMap(\.self)
            .joined(separator: " ")
    }

    /// Lets a process that was stopped go on.
    package static let goOnScript = #"""
        kill -s CONT "$1"
        """#

    /// Ends with 0 if none of some processes has anything to do: each sleeps, or has ended.
    package static let restScript = #"""
        for pid; do
            { read -r status <"/proc/$pid/stat"; } 2>/dev/null || continue
            case ${status##*) } in [SZX]*) ;; *) exit 1 ;; esac
        done
        """#

    /// Stops a process, and ends with 0 once it has stopped: it may be within a call when it is told.
    package static let holdScript = #"""
        kill -s STOP "$1" || exit
        while { read -r status <"/proc/$1/stat"; } 2>/dev/null; do
            case ${status##*) } in
                [Tt]*) exit 0 ;;
                [ZX]*) exit 1 ;;
            esac
        done
        exit 1
        """#
}
