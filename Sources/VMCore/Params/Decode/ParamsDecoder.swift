import SystemPackage

/// Turns the assignments of a file, and of those that it includes, into parameters. A fault does not stop it: it goes to
/// the log, and the rest is still decoded, so that one run reports everything.
package struct ParamsDecoder {
    /// The file itself, and then those that are included, each by the one before.
    let sources: [ParamsSource]
    var log = FaultLog()
    /// What the lines give, as far as it can be decoded.
    var given: GivenKeys {
        // Most files include none.
        GivenKeys(names: names, assignments: assignments, files: sources.count > 1 ? sources.map(\.file) : [])
    }
    /// Every key whose line was seen, in the order of the files: the first one counts. Not a dictionary: a file has about a
    /// dozen, and searching these small values is faster than hashing one.
    private var names: [KeyName] = []
    /// The assignment on each key's first line; nil if it is faulty or not implemented. The key is then not reported as
    /// missing too.
    private var assignments: [Assignment?] = []
    /// The number of that line.
    private var lines: [Int] = []
    /// Where the lines of the file that is being read begin among these: what is before takes precedence.
    private var firstOfSource = 0
    /// Keys that make no sense without another key.
    private var dependants: [(name: KeyName, parent: KeyName)] = []

    /// What relative paths in each file are relative to.
    private let directories: [String]

    /// What the lines are called in messages, if a command line makes them; nil: by their numbers.
    let words: [Int: String]?

    /// The params file.
    var file: FilePath { sources[0].file }

    package init(_ sources: [ParamsSource], from words: [Int: String]? = nil) {
        (self.sources, self.words) = (sources, words)
        directories = sources.map { VMParams.directory(of: $0.file) }
    }

    /// Reads every line and checks it against the schema.
    mutating func collect() {
        // Most files have no more.
        names.reserveCapacity(16)
        lines.reserveCapacity(16)
        assignments.reserveCapacity(16)
        for (source, text) in sources.enumerated() {
            firstOfSource = names.count
            for element in ParamsLexer(text.bytes) {
                switch element {
                case .success(var assignment):
                    assignment.source = source
                    file(assignment)
                case .failure(var fault):
                    fault.source = source
                    if let key = fault.key, case .entry(_, let name) = ParamsSchema.find(key), !mentions(name) {
                        note(name, line: fault.line)
                    }
                    log.add(fault)
                }
            }
        }
        requireParents()
    }

    private mutating func file(_ assignment: Assignment) {
        let entry: ParamsSchema.Entry
        let name: KeyName
        switch ParamsSchema.find(assignment.key) {
        case .entry(let known, let its): (entry, name) = (known, its)
        case .badIndex(let known): return log.add(badIndex(assignment, of: known))
        case .unknown: return log.add(unknown(assignment))
        }
        if let first = names[firstOfSource...].firstIndex(of: name) {
            log.add(
                assignment.keyFault(
                    "\(name) is set twice: first on line \(lines[first])",
                    hint: "\(removal: "Remove one of the two lines.")"))
            return
        }
        if assignment.source > 0, name.key.isOneVMs { return log.add(shared(assignment, name)) }
        note(name, line: assignment.line)
        if assignment.source > 0, name.key == .include, let fault = pathFault(assignment) { log.add(fault) }
        if entry.status == .notBuilt {
            log.add(assignment.keyFault(notBuilt("\(name)"), hint: Self.withoutIt, kind: .unavailable))
        } else if assignment.value.isEmpty, !name.key.mayBeEmpty {
            log.add(
                assignment.keyFault("\(name) has no value", hint: "Give it a value, or \(removal: "remove the line.")"))
        } else if case .except(let values) = entry.status, values.contains(where: assignment.value.isKind) {
            let fault = ValueFault(
                notBuilt(Printable.excerpt("\(name)=\(assignment.value)")), hint: Self.withoutIt,
                kind: .unavailable)
            log.add(assignment.fault(fault))
        } else {
            assignments[assignments.count - 1] = assignment
            // NET0 exists even if no line sets it.
            if let needed = entry.needs, needed != .net || name.index != 0 {
                dependants.append((name, KeyName(needed, name.index)))
            }
        }
    }

    /// Of an included file, whose own `INCLUDE` is not decoded.
    private func pathFault(_ assignment: Assignment) -> Fault? {
        do throws(ValueFault) {
            _ = try ParamValue.path(assignment.value, in: directories[assignment.source])
            return nil
        } catch {
            var fault = error
            fault.message = "INCLUDE: \(fault.message)"
            return assignment.fault(fault)
        }
    }

    private func shared(_ assignment: Assignment, _ name: KeyName) -> Fault {
        assignment.keyFault(
            "\(name) in an included file would be that of every VM that includes it",
            hint: "\(removal: "Remove the line,") and write it into the VM's own file.")
    }

    private mutating func note(_ name: KeyName, line: Int) {
        names.append(name)
        lines.append(line)
        assignments.append(nil)
    }

    private func badIndex(_ assignment: Assignment, of entry: ParamsSchema.Entry) -> Fault {
        let range = entry.indices.map { "\($0.lowerBound) to \($0.upperBound)" } ?? ""
        return assignment.keyFault(
            "there is no \(Printable.quoted(assignment.key))",
            hint: "In \(entry.key.pattern), n is \(range), without leading zeros.",
            repair: LineRepair(
                key: assignment.keySpan, value: assignment.valueSpan,
                reason: "in \(entry.key.pattern), n is \(range), without leading zeros"))
    }

    private func unknown(_ assignment: Assignment) -> Fault {
        assignment.keyFault(
            "unknown key \(Printable.quoted(assignment.key))",
            hint: "kvmctl keys lists the keys; a comment begins with '#'.",
            repair: LineRepair(key: assignment.keySpan, value: assignment.valueSpan))
    }

    private mutating func requireParents() {
        for (name, parent) in dependants where !mentions(parent) {
            let fault = assignment(name)?.keyFault("\(name) is set, but \(parent) is not", hint: hint(toAdd: parent))
            if let fault { log.add(fault) }
        }
    }

    private func hint(toAdd parent: KeyName) -> Hint {
        guard words != nil else { return "\(removal: "Remove this line,") or add one such as \(example(of: parent))." }
        guard parent.key == .disk else { return "Leave it out, or add --set \(example(of: parent))." }
        return "Leave it out, or add the disk: --disk 8G makes a new one, --set \(parent)=FILE takes one that is there."
    }

    /// An example of a line with the key.
    private func example(of name: KeyName) -> ParamsLine {
        guard case .entry(let entry, _) = ParamsSchema.find(name.description) else { return ParamsLine(name, "") }
        return ParamsLine(name, entry.example)
    }

    static let withoutIt: Hint =
        "No setting is ever ignored silently: \(removal: "remove the line") to run the VM without it."

    private func notBuilt(_ what: String) -> String { "\(what) is not implemented yet in this version of kvmctl" }
}

extension ParamsDecoder {
    /// The assignment of a key, if there is one that can be decoded.
    func assignment(_ key: ParamsKey, at index: Int? = nil) -> Assignment? { assignment(KeyName(key, index)) }

    private func assignment(_ name: KeyName) -> Assignment? { names.firstIndex(of: name).flatMap { assignments[$0] } }

    /// Whether a line for the key was seen, faulty or not.
    func mentions(_ key: ParamsKey, at index: Int? = nil) -> Bool { mentions(KeyName(key, index)) }

    private func mentions(_ name: KeyName) -> Bool { names.contains(name) }

    /// Whether there is a line for any of these keys, with whatever index.
    func mentions(anyOf keys: [ParamsKey]) -> Bool { names.contains { keys.contains($0.key) } }

    /// The indices with which any of the keys is set, ascending and without duplicates.
    func indices(of keys: ParamsKey...) -> [Int] { indices(of: keys) }

    /// The same, for an array of keys.
    func indices(of keys: [ParamsKey]) -> [Int] {
        var indices: [Int] = []
        for (position, name) in names.enumerated() where keys.contains(name.key) && assignments[position] != nil {
            guard let index = name.index, !indices.contains(index) else { continue }
            // Most files have them in order already.
            indices.insert(index, at: indices.lastIndex { $0 < index }.map { $0 + 1 } ?? 0)
        }
        return indices
    }

    /// Decodes the value of a key; nil if it is not set, or wrong.
    mutating func setting<Value>(
        _ key: ParamsKey, at index: Int? = nil, _ parse: (String) throws(ValueFault) -> Value
    ) -> Setting<Value>? {
        let name = KeyName(key, index)
        guard let assignment = assignment(name) else { return nil }
        do throws(ValueFault) {
            return Setting(try parse(assignment.value), origin(of: assignment, name))
        } catch {
            var fault = error
            fault.message = "\(name): \(fault.message)"
            log.add(assignment.fault(fault))
            return nil
        }
    }

    func origin(of assignment: Assignment, _ name: KeyName) -> Origin {
        assignment.source == 0
            ? .line(assignment.line, key: name)
            : .included(sources[assignment.source].file, assignment.line, key: name)
    }

    /// What a relative path in the value of a key is relative to.
    func directory(of key: ParamsKey, at index: Int? = nil) -> String {
        directories[assignment(key, at: index)?.source ?? 0]
    }

    /// Decodes the value of a key that has a default.
    mutating func setting<Value>(
        _ key: ParamsKey, at index: Int? = nil, default standard: Value,
        _ parse: (String) throws(ValueFault) -> Value
    ) -> Setting<Value> {
        setting(key, at: index, parse) ?? Setting(standard, .standard(key: KeyName(key, index)))
    }

    /// Records that a key conflicts with something else in the file.
    mutating func conflict(
        _ key: ParamsKey, at index: Int? = nil, _ message: String, hint: Hint, trying: [Hint] = [],
        kind: Diagnostic.Kind = .badData
    ) {
        guard let assignment = assignment(key, at: index) else { return }
        log.add(assignment.fault(ValueFault(message, hint: hint, trying: trying, kind: kind)))
    }
}

extension Assignment {
    /// A fault of its key.
    func keyFault(
        _ message: String, hint: Hint, repair: LineRepair? = nil, kind: Diagnostic.Kind = .badData
    ) -> Fault {
        var fault = Fault(kind: kind, line: line, span: keySpan, message: message, hint: hint, key: key)
        fault.source = source
        fault.repair = repair
        return fault
    }

    /// A fault of its value.
    func fault(_ fault: ValueFault) -> Fault {
        var placed = Fault(
            kind: fault.kind, line: line, span: span(of: fault.range), message: fault.message, hint: nil, key: key)
        placed.source = source
        placed.advice = fault.advice
        placed.value = FaultyValue(whole: value, range: fault.range)
        return placed
    }
}

extension String {
    /// Whether this is the word, alone or followed by a colon and more.
    fileprivate func isKind(_ word: String) -> Bool {
        utf8.starts(with: word.utf8) && (utf8.count == word.utf8.count || utf8.dropFirst(word.utf8.count).first == 0x3a)
    }
}
