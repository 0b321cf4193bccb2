import SystemPackage

/// Tries what hints offer. A hint is given only if the file, changed as it says, has no error on those lines and fewer
/// errors than before: otherwise it would lead from one refusal to the next.
struct HintTrial {
    private let sources: [ParamsSource]
    private let errors: Int
    /// How many more trials are made: each fault may take several, and a file can have a hundred faults.
    private var triesLeft = 32

    /// A larger file is most likely not a params file, so trials are not worth their time.
    private static let largestFile = 1 << 13

    package init(_ sources: [ParamsSource], errors: Int) {
        self.sources = sources
        self.errors = errors
        if sources.reduce(0, { $0 + $1.bytes.count }) > Self.largestFile { triesLeft = 0 }
    }

    /// The fault with its best hint, and the changes that this hint offers.
    mutating func resolve(_ fault: Fault) -> (fault: Fault, edits: [LineEdit]) {
        var resolved = fault
        if let repair = fault.repair {
            let bytes = sources[fault.source].bytes
            for line in repair.lines(in: bytes) {
                if let found = accepted(repair.hint(line, in: bytes), fault) { return found }
            }
        }
        for hint in fault.trying {
            if let found = accepted(hint, fault) { return found }
        }
        if let advice = fault.repair.flatMap({ explained($0, fault) }) {
            resolved.hint = advice
            return (resolved, [])
        }
        return (resolved, fault.hint.map { edits($0, fault) } ?? [])
    }

    /// The fault with a hint, if everything that it offers is accepted.
    private mutating func accepted(_ hint: Hint, _ fault: Fault) -> (fault: Fault, edits: [LineEdit])? {
        let edits = edits(hint, fault)
        guard edits.count == hint.offers.count else { return nil }
        var resolved = fault
        resolved.hint = hint
        return (resolved, edits)
    }

    /// The offers of a hint that are accepted.
    private mutating func edits(_ hint: Hint, _ fault: Fault) -> [LineEdit] {
        hint.offers.compactMap { offer in
            guard let edit = edit(offer, fault) else { return nil }
            // A removed line has no error.
            if case .removal = offer { return edit }
            return accepts(edit, in: fault.source) ? edit : nil
        }
    }

    private func edit(_ offer: Hint.Offer, _ fault: Fault) -> LineEdit? {
        switch offer {
        case .removal: .replace(line: fault.line, by: [])
        case .lines(let lines): .replace(line: fault.line, by: lines)
        case .addition(let lines): .append(lines)
        case .value(let value): fault.key.map { .replace(line: fault.line, by: [ParamsLine($0, value)]) }
        case .part(let part):
            fault.key.flatMap { key in
                (fault.value?.replaced(by: part)).map { .replace(line: fault.line, by: [ParamsLine(key, $0)]) }
            }
        }
    }

    private mutating func accepts(_ edit: LineEdit, in source: Int) -> Bool {
        guard triesLeft > 0 else { return false }
        triesLeft -= 1
        let (log, lines) = errors(after: edit, in: source)
        let isClean = !log.faults.contains {
            $0.kind != .warning && $0.source == source && lines.contains($0.line)
        }
        return isClean && log.errors < errors && log.unlisted == 0
    }

    /// The faults that there are after a change to one of the files, and the lines that are new in it.
    private func errors(after edit: LineEdit, in source: Int) -> (FaultLog, Range<Int>) {
        var changed = sources
        let lines: Range<Int>
        (changed[source].bytes, lines) = edit.applied(to: sources[source].bytes)
        var decoder = ParamsDecoder(changed)
        decoder.collect()
        _ = decoder.decode()
        return (decoder.log, lines)
    }

    /// The hint for a line whose key can be guessed, but which has another fault as well.
    private mutating func explained(_ repair: LineRepair, _ fault: Fault) -> Hint? {
        guard triesLeft > 0, let line = repair.lines(in: sources[fault.source].bytes).first else { return nil }
        triesLeft -= 1
        let (log, lines) = errors(after: .replace(line: fault.line, by: [line]), in: fault.source)
        let next = log.faults.first {
            $0.kind != .warning && $0.source == fault.source && lines.contains($0.line)
        }
        guard let next else { return nil }
        let more = next.hint.map { " \($0.text)" } ?? ""
        let first =
            repair.reason.map { "\($0.prefix(1).uppercased())\($0.dropFirst())." } ?? "Did you mean \(line.key)?"
        return Hint(text: "\(first) Also, \(next.message).\(more)", examples: next.hint?.examples ?? [])
    }
}

extension LineEdit {
    /// A file after the change, and the lines that are new in it, from 1.
    func applied(to bytes: [UInt8]) -> (bytes: [UInt8], lines: Range<Int>) {
        var document = ParamsDocument(bytes)
        let lines = document.apply(self)
        return (document.bytes, lines)
    }
}
