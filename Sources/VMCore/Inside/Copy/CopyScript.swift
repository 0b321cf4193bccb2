/// The scripts by which a guest's /bin/sh takes and gives files, for the tools that coreutils and busybox have.
package enum CopyScript {
    /// Sets `$x` to a path that was passed in ASCII: arguments of the agent are UTF-8, and names may be any bytes.
    static let paths = #"""
        un() { x=$(printf '%b.' "$1"); x=${x%.}; }

        """#

    /// A path as `paths` takes it.
    package static func argument(_ path: some Sequence<UInt8>) -> String {
        path.reduce(into: "") { text, byte in
            if byte.isPlain(or: "/.-_") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += #"\0"# + String(byte, radix: 8)
            }
        }
    }

    /// Files as xargs(1) takes them with -0.
    package static func list(_ entries: [FileEntry]) -> [UInt8] {
        entries.reduce(into: []) { $0 += Array("./".utf8) + $1.path + [0] }
    }

    /// Sends files below the directory `$1` as an archive; what they are comes on stdin, each with NUL. `$2` is an option for
    /// tar. On stderr: tar's exit code and the archive's checksum. GNU's tar would take a backslash in a name for the beginning of an
    /// escape sequence.
    ///
    /// The cat at the end is for tee, which opens a pipe that this user has made (proc_pid_fd(5)).
    package static let sendArchive =
        paths + #"""
            export LC_ALL=C
            un "$1"; cd -- "$x" || exit
            case $(tar --version 2>/dev/null) in *"GNU tar"*) set -- "$1" "$2 --no-unquote" ;; esac
            { xargs -0 tar -c $2 -f -; echo "=end $?" >&2; } |
                { { tee /proc/self/fd/3 | { sum=$(sha256sum); echo "=sum ${sum%% *}" >&2; }; } 3>&1; } | cat
            """#

    /// Makes the directories below the directory `$1` that come on stdin, each with NUL: not every tar says so if a file is in
    /// the way of one.
    package static let makeDirectories =
        paths + #"""
            umask 077
            un "$1"; cd -- "$x" && exec xargs -0 mkdir -p --
            """#

    /// Extracts an archive from stdin into the directory `$1`, and prints its checksum.
    package static let takeArchive =
        paths + #"""
            un "$1"; cd -- "$x" || exit
            { { { tee /proc/self/fd/3 | { sum=$(sha256sum 3>&-); echo "=sum ${sum%% *}" >&4; }; } 3>&1; } | tar -xpof -; } 4>&1
            """#

    /// Sends the file `$1` from the offset `$2` on, as far as the offset `$3`; empty: all of it. On stderr the checksum from
    /// its beginning.
    package static let sendFile =
        paths + #"""
            export LC_ALL=C
            un "$1"
            if [ -z "$3" ]; then exec cat -- "$x"; fi
            exec 6<"$x" || exit
            dd bs=65536 iflag=skip_bytes,count_bytes,fullblock skip="$2" count=$(($3 - $2)) status=none <&6 || exit
            sum=$(dd bs=65536 iflag=count_bytes,fullblock count="$3" status=none <"$x" | sha256sum)
            echo "=sum ${sum%% *}" >&2
            """#

    /// Holds the file `$1` open, as descriptor 6, until stdin ends: the agent reads it. On stderr the pid of the shell, and the
    /// checksum of the first `$2` bytes: of all, if it does not grow, for a pipe would take longer than the checksum itself.
    package static let holdFile =
        paths + #"""
            export LC_ALL=C
            un "$1"
            exec 6<"$x" || exit
            echo "=open $$" >&2
            same() { [ "$(stat -L -c %s /proc/self/fd/6)" = "$1" ]; }
            sum=; if same "$2"; then sum=$(sha256sum <&6); fi
            same "$2" || sum=$(dd if="/proc/$$/fd/6" bs=65536 iflag=count_bytes,fullblock count="$2" status=none | sha256sum)
            read -r end
            echo "=sum ${sum%% *}" >&2
            """#

    /// Writes the file `$1` by way of `$2` beside it: `$3` bytes, permissions `$4`, modified at `$5`. `$6` is `resume` if what
    /// is there already is kept. Then follow its extents, offset and length each, as far as they are still to be written,
    /// then `-`, then those that are compared. Their content comes on stdin, and after it their checksum, without which the file is
    /// not put in place.
    package static let takeFile = beginFile + writeExtents + finishFile

    /// The same for a file whose content the agent writes, as descriptor 6 of the shell: it tells its pid on stderr. Instead of
    /// the checksum may come `unwritten`, or `again` if all that was written before is to be kept.
    package static let takeHeldFile = beginFile + holdPart + finishFile

    private static let beginFile =
        paths + #"""
            umask 077
            un "$1"; file=$x; un "$2"; part=$x; size=$3; mode=$4; time=$5; how=$6; shift 6
            [ "$how" = resume ] || rm -f -- "$part"
            [ ! -h "$part" ] || { echo "=refused $part is a symbolic link" >&2; exit 1; }
            : >>"$part" || exit
            lost() { rm -f -- "$part"; echo "=$1" >&2; exit 1; }

            """#

    private static let writeExtents = #"""
        while [ "$1" != - ]; do
            dd bs=65536 iflag=count_bytes,fullblock oflag=seek_bytes conv=notrunc status=none \
                of="$part" seek="$1" count="$2" || lost unwritten
            shift 2
        done

        """#

    private static let holdPart = #"""
        exec 6<>"$part" || exit
        echo "=open $$" >&2
        while [ "$1" != - ]; do shift 2; done

        """#

    private static let finishFile = #"""
        shift
        read -r wanted || exit
        [ "$wanted" != again ] || exit
        [ "$wanted" != unwritten ] || lost unwritten
        dd bs=1 count=0 oflag=seek_bytes seek="$size" of="$part" status=none </dev/null || lost unwritten
        if [ "$*" = "0 $size" ]; then sum=$(sha256sum <"$part"); else
            sum=$(while [ $# -gt 0 ]; do
                dd bs=65536 iflag=skip_bytes,count_bytes,fullblock skip="$1" count="$2" status=none <"$part"
                shift 2
            done | sha256sum)
        fi
        [ "${sum%% *}" = "$wanted" ] || lost different
        owner=$(stat -L -c %u:%g -- "$file" 2>/dev/null) && { chown "$owner" "$part" 2>/dev/null || :; }
        chmod "$mode" "$part" && touch -d "@$time" "$part" || lost unwritten
        [ ! -d "$file" ] || lost directory
        mv -f -- "$part" "$file" || lost unwritten
        """#

    /// The arguments of `takeFile`.
    package static func takingFile(
        _ file: FileEntry, path: [UInt8], part: [UInt8], resumes: Bool, rest: [Range<Int64>], compared: [Range<Int64>]
    ) -> [String] {
        func words(_ ranges: [Range<Int64>]) -> [String] {
            ranges.flatMap { [String($0.lowerBound), String($0.upperBound - $0.lowerBound)] }
        }
        let what = [argument(path), argument(part), String(file.size), String(file.permissions, radix: 8)]
        return what + [String(file.modified), resumes ? "resume" : "new"] + words(rest) + ["-"] + words(compared)
    }

    /// What is at a destination.
    package enum Found: Character, Sendable {
        case directory = "d"
        case file = "f"
        /// A link to a file. Its path follows.
        case link = "l"
        /// A link to what is not there.
        case danglingLink = "g"
        /// Something else: a device, say.
        case other = "o"
        /// Nothing yet.
        case nothing = "n"
        /// Nothing, not even the directory for it.
        case noParent = "p"
        /// Nothing, and what should be its directory is none.
        case otherParent = "q"
    }

    /// Prints what is at the destination `$1`, as `Found`.
    package static let look =
        paths + #"""
            un "$1"
            if [ -d "$x" ]; then echo d
            elif [ -e "$x" ] && [ ! -f "$x" ]; then echo o
            elif [ -h "$x" ] && [ -e "$x" ]; then echo l; readlink -f -- "$x"
            elif [ -e "$x" ]; then echo f
            elif [ -h "$x" ]; then echo g
            else
                case $x in */*) parent=${x%/*}/ ;; *) parent=. ;; esac
                if [ -d "$parent" ]; then echo n
            elif [ -e "${parent%/}" ]; then echo q
            else echo p; fi
            fi
            """#
}
