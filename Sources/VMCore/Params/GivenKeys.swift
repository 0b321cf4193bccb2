import SystemPackage

/// The keys that a params file sets, with their values as written. MAC and BRIDGE count as the keys that they are short for.
///
/// Every file that is parsed has them, so they cost nothing until they are asked for.
package struct GivenKeys: Equatable, Sendable {
    private let names: [KeyName]
    private let assignments: [Assignment?]
    /// The params file and those that it includes; none if it includes none.
    package let files: [FilePath]

    /// None.
    package init() { self.init(names: [], assignments: []) }

    init(names: [KeyName], assignments: [Assignment?], files: [FilePath] = []) {
        (self.names, self.assignments, self.files) = (names, assignments, files)
    }

    /// Those of a text; what has an error in it does not count.
    package init(in text: String) {
        var (names, assignments): ([KeyName], [Assignment?]) = ([], [])
        for case .success(let assignment) in ParamsLexer(Array(text.utf8)) {
            guard case .entry(_, let name) = ParamsSchema.find(assignment.key), !names.contains(name) else { continue }
            names.append(name)
            assignments.append(assignment)
        }
        self.init(names: names, assignments: assignments)
    }

    /// The values.
    package var values: [KeyName: String] {
        Dictionary(pairs.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// The line of an included file that sets a key: `/vms/defaults.conf:3`; nil: the file itself sets it, or nothing does.
    package func includedPlace(of key: KeyName) -> String? {
        guard let number = names.firstIndex(where: { $0.ofItsThing == key }), let assignment = assignments[number],
            assignment.source > 0, files.indices.contains(assignment.source)
        else { return nil }
        return "\(files[assignment.source]):\(assignment.line)"
    }

    /// The same as the text of a params file, in the order of the file.
    package var text: String { pairs.reduce(into: "") { $0 += "\(ParamsLine($1.name, $1.value))\n" } }

    private var pairs: [(name: KeyName, value: String)] {
        zip(names, assignments).compactMap { name, assignment in
            guard let value = assignment?.value else { return nil }
            return switch name.key {
            case .mac: (KeyName(.netMAC, 0), value)
            case .bridge: (KeyName(.net, 0), "\(KeyName.bridgePrefix)\(value)")
            default: (name, value)
            }
        }
    }
}

extension KeyName {
    /// What the value of NET0 begins with, where BRIDGE is short for it.
    static let bridgePrefix = "bridge:"

    /// The order of the reference, and of numbers.
    private var rank: (Int, Int) {
        (ParamsSchema.entries.firstIndex { $0.key == key } ?? ParamsSchema.entries.count, index ?? 0)
    }

    /// Whether a list of keys has this one before another.
    package func precedes(_ other: KeyName) -> Bool { rank < other.rank }
}

/// A key for which two texts give a VM different values.
package struct ParamsDifference: Equatable, Sendable {
    /// The key.
    package let key: KeyName
    /// What the first text says; nil: nothing, so that the default holds.
    package let before: String?
    /// What the second text says.
    package let after: String?

    /// Compares two values.
    package init(_ key: KeyName, before: String?, after: String?) {
        (self.key, self.before, self.after) = (key, before, after)
    }
}

extension GivenKeys {
    /// In what a VM with these keys differs from one with others, in the order of the reference. A value that is only
    /// written differently, such as 1G for 1024M, is none.
    ///
    /// - Parameter file: which file both are of.
    package func differences(from others: GivenKeys, in file: FilePath) -> [ParamsDifference] {
        let (before, after) = (others.values, values)
        let different = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }
        return different.filter { key in
            guard let old = before[key], let new = after[key] else { return true }
            let rest = after.merging(before) { new, _ in new }
            return !Self.meanTheSame(key, old, new, among: rest, in: file)
        }
        .sorted { $0.precedes($1) }.map { ParamsDifference($0, before: before[$0], after: after[$0]) }
    }

    private static func meanTheSame(
        _ key: KeyName, _ one: String, _ other: String, among values: [KeyName: String], in file: FilePath
    ) -> Bool {
        func params(_ value: String) -> VMParams? {
            var values = values
            values[key] = value
            // In one order, so that the origins are the same.
            let lines = values.keys.sorted { $0.precedes($1) }.map { "\(ParamsLine($0, values[$0] ?? ""))\n" }
            var params = VMParams.parse(Array(lines.joined().utf8), file: file).params
            params?.given = GivenKeys()
            return params
        }
        guard let first = params(one) else { return false }
        return first == params(other)
    }
}
