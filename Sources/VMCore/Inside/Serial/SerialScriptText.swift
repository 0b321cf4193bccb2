/// The parts of the script that are the same for all commands, for a POSIX sh (XCU 2).
extension SerialScript {
    /// A directory, and the tools that there are.
    static let beginning = #"""
        say() { printf '\n@%s %s .\n' $T "$*"; }
        has() { command -v $1 >/dev/null; }
        missing=
        for d in /run /dev/shm "$TMPDIR" /tmp /var/tmp "$HOME"; do
            [ -d "$d" ] && d=${d%/}/.kvmctl-$T && mkdir "$d" && break
            d=
        done
        [ "$d" ] || missing="$missing directory"
        for tool in dd head id kill mkdir mkfifo mv rm; do has $tool || missing="$missing $tool"; done
        if has base64; then
            code=b
            enc() { base64; }
            dec() { base64 -d; }
        elif has od; then
            code=o
            enc() { od -An -v -tx1; }
            dec() { while IFS= read -r line; do printf "$line"; done; }
        else
            missing="$missing base64"
        fi
        if has cksum; then
            check=c
            sum() { cksum; }
        elif has md5sum; then
            check=m
            sum() { md5sum; }
        else
            missing="$missing cksum"
        fi
        own=
        if has setsid; then own=setsid; fi
        """#

    static let readiness = #"""
        base=$d/in
        if [ "$d" ] && ! mkfifo "$d/events" "$d/out.go" "$d/err.go" "$base.go"; then missing="$missing FIFOs"; fi
        if [ "$missing" ]; then
            [ "$d" ] && rm -rf "$d"
            say no$missing
            exit 0
        fi
        exec 7<>"$d/events" 8<>"$base.go"
        hello="hello $code $check $(id -u) $(id -un)"
        code=
        say $hello
        """#

    /// `keep` takes the pieces of a stream, `block` sends a part of one.
    static let streaming = #"""
        keep() {
            me helper
            piece=0
            exec 5<>"$d/$1.go"
            while :; do
                dd bs=16384 count=1 >"$d/$1" || { echo full >&7; break; }
                [ -s "$d/$1" ] || break
                piece=$((piece + 1))
                echo "$1 $piece" >&7
                read -r go <&5
            done
            echo "end $1" >&7
        }
        block() {
            dd if="$d/$2" bs=512 skip=$4 count=$5 >"$d/block" || full=full
            say data $1 $2 $3 $4
            enc <"$d/block"
            set -- $1 $(sum <"$d/block")
            say check $1 $2
        }
        """#

    /// Answers the last question for news, if there is some.
    static let answering = #"""
        answer() {
            [ "$asked" ] || return
            if [ $out -gt 0 ]; then
                block $asked out $out 0 $count
            elif [ $err -gt 0 ]; then
                block $asked err $err 0 $count
            elif [ $fed -gt $knownfed ]; then
                say fed $asked $fed
            elif [ "$code" ] && [ $knowncode = 0 ]; then
                say code $asked $code
            elif [ $streams = 0 ]; then
                say end $asked $full
            else
                return
            fi
            asked=
        }
        release() {
            [ $2 -gt 0 ] && [ $2 = $3 ] || return
            echo go 1<>"$d/$1.go"
            eval "$1=0"
        }
        """#

    /// `hear` reads what kvmctl sends, `talk` all that happens. A line of somebody else's, such as a person's at this console,
    /// ends it all and gives the console back.
    static let listening = #"""
        hear() {
            while IFS= read -r line; do
                case $line in
                    "$T "*" .")
                        line=${line#"$T "}
                        line=${line% .}
                        case $line in put*) head -n "${line##* }" >"$d/sent" ;; esac
                        echo "$line" >&7
                        case $line in quit*) exit ;; esac
                        ;;
                    .) ;;
                    *) break ;;
                esac
            done
            echo quit >&7
        }
        talk() {
            asked= out=0 err=0 fed=0 shell= helpers= written=0 got= signals=0 full=
            while read -r event a b c e f g <&7; do
                case $event in
                    news)
                        release out $out $b
                        release err $err $c
                        asked=$a knownfed=$e knowncode=$f count=$g
                        ;;
                    part) block $a $b $c $e $f ;;
                    put)
                        dec <"$d/sent" >"$d/piece"
                        set -- $(sum <"$d/piece")
                        got=$1
                        say took $a $got
                        ;;
                    use)
                        if [ $b -gt $written ] && [ "$c" != "$got" ]; then
                            say early $a
                        else
                            if [ $b -gt $written ]; then
                                mv "$d/piece" "$base.in$b"
                                written=$b
                                echo $b >&8
                            fi
                            say done $a
                        fi
                        ;;
                    close) echo end >&8; say done $a ;;
                    signal)
                        if [ ! "$shell" ]; then
                            say early $a
                        else
                            [ $c -gt $signals ] && signals=$c && sig $b "$shell"
                            say done $a
                        fi
                        ;;
                    ping) say done $a ;;
                    rest) if [ $out$err = 00 ]; then say done $a; else say early $a; fi ;;
                    hello) say $hello ;;
                    out | err) eval "$event=$a" ;;
                    end) streams=$((streams - 1)) ;;
                    shell) shell=$a ;;
                    helper) helpers="$helpers $a" ;;
                    read) fed=$a ;;
                    code) code=$a ;;
                    lost) code=lost ;;
                    full) full=full ;;
                    quit) break ;;
                esac
                answer
            done
            sig KILL "$helpers"
            kill -9 $helpers
            rm -rf "$d"
            stty $s <&4
            say bye
            [ "$code" ] || kill -9 $$
        }
        """#
}
