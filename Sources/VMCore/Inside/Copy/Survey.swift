/// What a guest tells of files before they are copied.
package struct Survey: Equatable, Sendable {
    /// A path that was asked for.
    package struct Place: Equatable, Sendable {
        package enum Kind: Character, Sendable {
            case directory = "d"
            case regular = "f"
            case special = "o"
            /// Its content has no end.
            case endless = "e"
            case missing = "-"
            case brokenLink = "h"
            case denied = "x"
        }

        package var kind: Kind
        /// The kind of file system that it is on, if that has views of kernel state in place of files.
        package var pseudoFileSystem: String?
        /// File systems of that kind that are mounted below it, which are left out.
        package var leftOut: [LeftOut] = []
        /// The file itself, or what is in and below the directory, itself first.
        package var entries: [FileEntry] = []
    }

    /// A file system that is left out: its kind, and where it is mounted below the place.
    package struct LeftOut: Equatable, Sendable {
        package var kind: String
        package var path: [UInt8]
    }

    /// Whether tar(1) is that of GNU, which knows of holes; nil: there is none.
    package var hasGNUTar: Bool?
    package var places: [Place] = []

    /// What `script` printed. Nil if it is not that.
    package init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        guard let tools = rest.takeLine(), tools.starts(with: Array("tar ".utf8)) else { return nil }
        hasGNUTar = tools.elementsEqual("tar none".utf8) ? nil : tools.elementsEqual("tar gnu".utf8)
        while let line = rest.takeLine() {
            guard let letter = line.first, let kind = Place.Kind(rawValue: Character(.init(letter))) else { return nil }
            var place = Place(kind: kind)
            let type = String(decoding: line.dropFirst(), as: UTF8.self)
            guard type.isEmpty || type.first == " " else { return nil }
            place.pseudoFileSystem = UInt32(type.dropFirst(), radix: 16).flatMap(PseudoFileSystem.name)
            while let mark = rest.takeLine(), mark != [UInt8(ascii: ".")] {
                if mark == [UInt8(ascii: "b")], let batch = rest.takeBatch() {
                    place.entries += batch
                } else if mark == [UInt8(ascii: "p")], let leftOut = rest.takeLeftOut() {
                    place.leftOut.append(leftOut)
                } else {
                    return nil
                }
            }
            places.append(place)
        }
    }

    /// The largest answer that is read: a tree of some million files.
    package static let limit = 256 << 20

    /// Prints what is at some paths, `$2`…, and with `$1` = `tree` what is below those that are directories.
    ///
    /// For each file stat(1) prints a line, and the names follow with NUL, since they may hold anything. One that vanishes
    /// meanwhile makes stat fail: then each is asked for by itself.
    package static let script =
        CopyScript.paths + #"""
            export LC_ALL=C
            if ! command -v tar >/dev/null; then echo tar none
            elif tar --version 2>/dev/null | grep -q GNU; then echo tar gnu
            else echo tar other; fi
            depth=$1; shift
            for place do
                un "$place"
                if [ -d "$x" ]; then
                    if [ "$depth" != tree ]; then printf 'd\n.\n'
                    elif cd -- "$x" 2>/dev/null; then
                        type=$(stat -f -c %t . 2>/dev/null)
                        echo "d $type"
                        case $type in \#(PseudoFileSystem.types.joined(separator: "|"))) echo .; cd "$OLDPWD"; continue ;; esac
                        \#(leavingOut)
                        find . "$@" -exec sh -c '
                            if all=$(stat -c "%f %Y %s %b" -- "$@" 2>/dev/null); then
                                printf "b\n%s\n\n" "$all"; printf "%s\0" "$@"
                            else
                                for one do
                                    line=$(stat -c "%f %Y %s %b" -- "$one") || continue
                                    printf "b\n%s\n\n%s\0" "$line" "$one"
                                done
                            fi' sh {} +
                        echo .
                        cd "$OLDPWD"
                    else printf 'x\n.\n'
                    fi
                elif [ -f "$x" ]; then
                    type=$(stat -f -c %t -- "$x" 2>/dev/null)
                    case $type in \#(PseudoFileSystem.types.joined(separator: "|")))
                        real=$(readlink -f -- "$x")
                        case $type/${real##*/} in \#(PseudoFileSystem.endlessPattern)) printf 'e\n.\n'; continue ;; esac
                    esac
                    if line=$(stat -L -c "%f %Y %s %b" -- "$x"); then
                        echo "f $type"
                        printf 'b\n%s\n\n%s\0.\n' "$line" "./"
                    else printf 'x\n.\n'; fi
                elif [ -e "$x" ]; then printf 'o\n.\n'
                elif [ -h "$x" ]; then printf 'h\n.\n'
                elif case $x in */*) parent=${x%/*}/ ;; *) parent=. ;; esac; [ -d "$parent" ] && [ ! -x "$parent" ]; then
                    printf 'x\n.\n'
                else printf -- '-\n.\n'
                fi
            done
            """#
}

extension Survey {
    /// Tells of the file systems that are left out below this directory, and sets `$@` to what find(1) has to know of them: they
    /// have no files that could be copied by their size.
    ///
    /// One whose path has characters that are written otherwise in that list, or mean something to find, is not known.
    fileprivate static let leavingOut = #"""
        below=$(pwd -P); [ "$below" != / ] || below=
        last=-; set --
        while read -r device where kind rest; do
            case $kind in \#(PseudoFileSystem.names.joined(separator: "|"))) ;; *) continue ;; esac
            case $where in *[\\*?[]* | "$last"/*) continue ;; "$below"/?*) ;; *) continue ;; esac
            last=$where; set -- "$@" -path ".${where#"$below"}" -prune -o
            printf 'p\n%s .%s\0' "$kind" "${where#"$below"}"
        done </proc/self/mounts
        """#
}

extension ArraySlice<UInt8> {
    /// A kind of file system, and a path that begins with `./`.
    fileprivate mutating func takeLeftOut() -> Survey.LeftOut? {
        guard let line = take(until: 0), let space = line.firstIndex(of: UInt8(ascii: " ")) else { return nil }
        let kind = String(decoding: line[..<space], as: UTF8.self)
        let path = Array(line[(space + 1)...].dropFirst(2))
        guard PseudoFileSystem.names.contains(kind), line[(space + 1)...].starts(with: Array("./".utf8)),
            BytePath.isBelow(path), path.count <= BytePath.longest
        else { return nil }
        return Survey.LeftOut(kind: kind, path: path)
    }

    /// The bytes before the next newline, which are taken away with it.
    fileprivate mutating func takeLine() -> [UInt8]? { take(until: UInt8(ascii: "\n")) }

    private mutating func take(until end: UInt8) -> [UInt8]? {
        guard let place = firstIndex(of: end) else { return nil }
        defer { self = self[(place + 1)...] }
        return Array(self[..<place])
    }

    /// Files with their names, which begin with `./`.
    fileprivate mutating func takeBatch() -> [FileEntry]? {
        var entries: [FileEntry] = []
        while let line = takeLine(), !line.isEmpty {
            guard let entry = FileEntry(statLine: line) else { return nil }
            entries.append(entry)
        }
        for number in entries.indices {
            guard let name = take(until: 0) else { return nil }
            let isItself = name == [UInt8(ascii: ".")]
            let path = isItself ? [] : Array(name.dropFirst(2))
            guard isItself || name.starts(with: Array("./".utf8)), BytePath.isBelow(path),
                path.count <= BytePath.longest
            else { return nil }
            entries[number].path = path
        }
        return entries
    }
}

extension FileEntry {
    /// The largest size that counts: more than a file system holds, and reckoned with without overflow.
    private static let most: Int64 = 1 << 60

    /// A line of `stat -c '%f %Y %s %b'` (stat(1)).
    fileprivate init?(statLine line: [UInt8]) {
        let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 4, let mode = UInt32(words[0], radix: 16), let modified = Int64(words[1]),
            let size = Int64(words[2]), let blocks = Int64(words[3]), 0...Self.most ~= size,
            0...(Self.most / 512) ~= blocks
        else { return nil }
        self.init(path: [], mode: mode, modified: modified, size: size, allocated: blocks * 512)
    }
}
