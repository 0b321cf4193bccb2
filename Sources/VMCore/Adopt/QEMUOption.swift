/// An option of a QEMU's command line (qemu-system-x86_64(1)).
struct QEMUOption: Equatable {
    /// Without its dashes.
    let name: String
    /// What follows it; nil for one that takes nothing.
    let value: String?

    /// As it can be written on a command line.
    var words: [String] { ["-\(name)"] + (value.map { [$0] } ?? []) }
    /// The same for people.
    var text: String { words.joined(separator: " ") }

    /// Those that take nothing, up to QEMU 7.2; older ones too, which the processes of then have.
    private static let flags: Set<String> = [
        "S", "alt-grab", "ctrl-grab", "curses", "daemonize", "enable-fips", "enable-kvm", "enable-sync-profile",
        "full-screen", "mem-prealloc", "no-acpi", "no-fd-bootchk", "no-frame", "no-hpet", "no-kvm", "no-quit",
        "no-reboot", "no-shutdown", "no-user-config", "nodefaults", "nodefconfig", "nographic", "only-migratable",
        "portrait", "preconfig", "rtc-td-hack", "s", "sdl", "singlestep", "snapshot", "usb", "win2k-hack",
        "xen-attach", "xen-domid-restrict",
    ]

    /// The options among words, the program's own name not included. A word that belongs to no option is a disk.
    static func all(in words: some Sequence<String>) -> [QEMUOption] {
        var (found, rest): ([QEMUOption], [String]) = ([], words.reversed())
        while let word = rest.popLast() {
            guard word.hasPrefix("-"), word != "-" else {
                found.append(QEMUOption(name: "hda", value: word))
                continue
            }
            let name = String(word.dropFirst(word.hasPrefix("--") ? 2 : 1))
            // A flag of a later QEMU is followed by another option; only a kernel's words begin like one.
            let isFlag = flags.contains(name) || name != "append" && rest.last?.hasPrefix("-") == true
            found.append(QEMUOption(name: name, value: isFlag ? nil : rest.popLast()))
        }
        return found
    }
}

/// What an option says, to be taken out piece by piece: what is left was not understood.
struct OptionFields {
    private var pairs: [(key: String, value: String)] = []

    /// Reads `WORD,KEY=VALUE,…`, where a comma in a value is doubled, or the same as a JSON object.
    ///
    /// - Parameter implied: the key of a first word without one.
    init(_ text: String, implied: String? = nil) {
        if text.hasPrefix("{"), let json = try? JSON(parsing: text.utf8) {
            add(json, below: "")
            return
        }
        for (number, part) in Self.parts(text).enumerated() where !part.isEmpty {
            guard let equals = part.firstIndex(of: "=") else {
                pairs.append(number == 0 && implied != nil ? (implied ?? "", part) : (part, "on"))
                continue
            }
            pairs.append((String(part[..<equals]), String(part[part.index(after: equals)...])))
        }
    }

    private static func parts(_ text: String) -> [String] {
        var parts = [""]
        var rest = Substring(text)
        while let next = rest.popFirst() {
            guard next == "," else {
                parts[parts.count - 1].append(next)
                continue
            }
            if rest.first == "," { parts[parts.count - 1].append(rest.removeFirst()) } else { parts.append("") }
        }
        return parts
    }

    private mutating func add(_ json: JSON, below key: String) {
        switch json {
        case .object(let members):
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                add(value, below: key.isEmpty ? name : "\(key).\(name)")
            }
        case .array(let elements):
            for (number, value) in elements.enumerated() { add(value, below: "\(key).\(number)") }
        case .bool(let value): pairs.append((key, value ? "on" : "off"))
        case .string(let text): pairs.append((key, text))
        case .null, .integer, .number: pairs.append((key, json.text))
        }
    }

    /// What is left, in the order in which it was.
    var rest: [String] { pairs.map { "\($0.key)=\($0.value)" } }

    /// The value of a key, which is then no longer there. As in QEMU the last one counts.
    mutating func take(_ keys: String...) -> String? {
        defer { pairs.removeAll { keys.contains($0.key) } }
        return pairs.last { keys.contains($0.key) }?.value
    }

    /// A switch; nil if it is not there.
    mutating func takeFlag(_ keys: String...) -> Bool? {
        for key in keys { if let value = take(key) { return ["on", "yes", "true", "y"].contains(value) } }
        return nil
    }

    /// Removes some keys, and says what they were.
    mutating func takeParts(_ keys: [String]) -> [String] {
        defer { pairs.removeAll { keys.contains($0.key) } }
        return pairs.filter { keys.contains($0.key) }.map { "\($0.key)=\($0.value)" }
    }

    /// All values of a key, which may be there several times.
    mutating func takeAll(_ key: String) -> [String] {
        defer { pairs.removeAll { $0.key == key } }
        return pairs.filter { $0.key == key }.map(\.value)
    }

    /// Removes keys that only name things for other options.
    mutating func drop(_ keys: String...) { pairs.removeAll { keys.contains($0.key) } }
}
