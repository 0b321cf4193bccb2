/// The key table of vm.params: which keys there are, what is implemented, and what each is for.
///
/// The handling of unknown and unimplemented keys, `kvmctl keys` and the reference in vm.params(5) are based on it.
package enum ParamsSchema {
    /// The chapters of the reference.
    package enum Group: String, CaseIterable, Sendable {
        case identity = "Identity"
        case machine = "Machine"
        case boot = "Boot"
        case disks = "Disks"
        case network = "Network"
        case display = "Display"
        case sharing = "Sharing and provisioning"
        case host = "Host"
        case escape = "Escape hatch"
    }

    /// Whether this version of kvmctl can do what a key asks for.
    package enum Status: Equatable, Sendable {
        /// It can, for every value.
        case built
        /// It can, except for these values; of a value with a colon, the part before the colon counts.
        case except([String])
        /// It can't: the key is known, but refused.
        case notBuilt
    }

    /// One key.
    package struct Entry: Equatable, Sendable {
        /// The key.
        package var key: ParamsKey
        /// The chapter it belongs to.
        package var group: Group
        /// The values of `n`; nil for a key without one.
        package var indices: ClosedRange<Int>?
        /// The key, with the same index, without which this one makes no sense.
        package var needs: ParamsKey?
        /// Whether this version can do it.
        package var status: Status
        /// A valid value that is not the default.
        package var example: String
        /// What it is for, in one line; the default last.
        package var summary: String
    }

    /// What a text is as a key.
    package enum Lookup: Equatable, Sendable {
        /// A key of the table.
        case entry(Entry, KeyName)
        /// A key of the table, but with an invalid index.
        case badIndex(Entry)
        /// Not a key of the table.
        case unknown
    }

    /// The values of `n` of a key; 0 alone for a key without one.
    package static func indices(of key: ParamsKey) -> ClosedRange<Int> {
        entries.first { $0.key == key }?.indices ?? 0...0
    }

    /// Looks up a key as written in a file.
    package static func find(_ text: String) -> Lookup {
        let bytes = Array(text.utf8)
        guard let initial = bytes.first else { return .unknown }
        for position in positions[Int(initial)] {
            guard let digits = match(bytes, patterns[position]) else { continue }
            let entry = entries[position]
            guard let indices = entry.indices else { return .entry(entry, KeyName(entry.key)) }
            // 01 and 1 would be two names for one thing.
            guard digits.count <= 3, digits.count == 1 || digits.first != UInt8(ascii: "0") else {
                return .badIndex(entry)
            }
            let index = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
            return indices.contains(index) ? .entry(entry, KeyName(entry.key, index)) : .badIndex(entry)
        }
        return .unknown
    }

    /// The entry of a key, with its number or with the `n` of the reference.
    ///
    /// - Throws: `.usage` if there is no such key.
    package static func entry(_ text: String) throws(VMError) -> Entry {
        if let entry = entries.first(where: { $0.key.pattern == text }) { return entry }
        return try entry(of: ParamsEdit(key: text, value: nil).key)
    }

    private static func entry(of name: KeyName) throws(VMError) -> Entry {
        guard let entry = entries.first(where: { $0.key == name.key }) else {
            throw VMError(.bug, "\(name)", "is not in the table")
        }
        return entry
    }

    /// The keys that a file may have, with the number that a text has; 0 if it has none.
    package static func names(numberedAs text: String) -> [String] {
        let digits = text.drop { !$0.isNumber }.prefix { $0.isNumber }
        return entries.filter { $0.status != .notBuilt }.map {
            substitute(digits.isEmpty ? "0" : String(digits), in: $0.key.pattern)
        }
    }

    /// The digits in place of a pattern's `n`, empty if it has none; nil if the text is another key.
    private static func match(_ text: [UInt8], _ pattern: [UInt8]) -> ArraySlice<UInt8>? {
        var cursor = 0
        var digits = text[..<0]
        for letter in pattern {
            if letter == placeholder {
                digits = text[cursor...].prefix(while: \.isDigit)
                guard !digits.isEmpty else { return nil }
                cursor = digits.endIndex
            } else {
                guard cursor < text.count, text[cursor] == letter else { return nil }
                cursor += 1
            }
        }
        return cursor == text.count ? digits : nil
    }

    /// How each key of the table is written.
    private static let patterns = entries.map { Array($0.key.pattern.utf8) }

    /// Keys are upper case, so the only lower-case letter of a pattern stands for the index.
    private static let placeholder = UInt8(ascii: "n")

    /// The key, with its index, that an unknown key was most likely meant to be; nil: none is near.
    package static func nearest(to text: String) -> String? {
        let upper = text.uppercased()
        let digits = upper.drop { !$0.isNumber }.prefix { $0.isNumber }
        let index = digits.isEmpty ? "0" : String(digits)
        if let synonym = synonyms[upper.filter { !$0.isNumber }] { return substitute(index, in: synonym.pattern) }
        return Nearest.match(upper, among: entries.lazy.map { substitute(index, in: $0.key.pattern) })
    }

    /// The key that a word is in any case, or in other tools; nil: it is none.
    package static func key(meantBy word: String) -> String? {
        let upper = word.uppercased()
        if case .entry(_, let name) = find(upper) { return "\(name)" }
        return synonyms[upper.filter { !$0.isNumber }] == nil ? nil : nearest(to: upper)
    }

    /// A pattern with its `n` replaced.
    static func substitute(_ index: String, in pattern: String) -> String {
        guard let place = pattern.utf8.firstIndex(of: placeholder) else { return pattern }
        return String(pattern[..<place]) + index + String(pattern[pattern.utf8.index(after: place)...])
    }

    /// The positions in the table of the keys with each initial.
    private static let positions = patterns.enumerated().reduce(into: Array(repeating: [Int](), count: 256)) {
        positions, pattern in
        if let initial = pattern.element.first { positions[Int(initial)].append(pattern.offset) }
    }

    /// Names that other tools use for the same things.
    private static let synonyms: [String: ParamsKey] = [
        "RAM": .memory, "MEM": .memory, "SMP": .cpus, "VCPU": .cpus, "VCPUS": .cpus, "CORES": .cpus, "DRIVE": .disk,
        "HDA": .disk, "IMAGE": .disk, "ISO": .cdrom, "CD": .cdrom, "DVD": .cdrom, "NIC": .net, "NET": .net,
        "NETWORK": .net,
        "IFNAME": .netTap, "TAP": .netTap, "BR": .bridge, "HOSTNAME": .name, "VNC": .vncDisplay, "VNCPORT": .vncDisplay,
        "DISPLAY": .vncDisplay, "CMDLINE": .append, "USER": .runAs, "BIOS": .firmware, "UEFI": .firmware,
        "ARGS": .qemuArgument, "QEMUARGS": .qemuArgument, "KEYBOARD": .keymap, "VGA": .video, "GPU": .video,
        "AUDIO": .sound, "PORT": .forward, "ONBOOT": .autostart,
        "NOTE": .description, "NOTES": .description, "COMMENT": .description, "TITLE": .description,
        "DEFAULTS": .include, "SOURCE": .include, "TAG": .tags,
        "LABELS": .tags, "PROTECTION": .protect, "PROTECTED": .protect, "AFFINITY": .cpuSet, "PIN": .cpuSet,
        "HUGEPAGE": .hugePages,
    ]
}
