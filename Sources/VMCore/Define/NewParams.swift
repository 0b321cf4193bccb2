import SystemPackage

/// The params file that a command line describes. Each line knows the word that it comes from, and a fault in it is shown in
/// that word.
struct NewParams {
    let file: FilePath
    /// The file of the model, if there is one: lines without a word are from there.
    let model: FilePath?
    private(set) var document: ParamsDocument
    /// The words, by what their keys are short for.
    private var words: [String: String] = [:]
    private var complaints: [Complaint] = []
    private var filledIn: Set<KeyName> = []
    /// Those words that are places in a list of VMs.
    private var cells: Set<String> = []

    /// Something that is wrong, as it is shown.
    private struct Complaint {
        var code: VMError.Code
        var lines: [String]
    }

    init(_ file: FilePath, beginningWith document: ParamsDocument, of model: FilePath?) {
        (self.file, self.document, self.model) = (file, document, model)
    }

    /// Sets a key as a word of the command line asks for. A key of the model that is set to nothing is left out.
    mutating func set(_ edit: ParamsEdit, by word: String) {
        reserve(edit.key, for: word)
        guard words["\(edit.key.ofItsThing)"] == word else { return }
        do throws(ParamsDocument.Failure) {
            if edit.isEmptying, model != nil {
                var without = document
                try ParamsEdit(edit.key, to: nil).apply(to: &without)
                guard without.bytes == document.bytes else {
                    document = without
                    return
                }
            }
            try edit.apply(to: &document)
        } catch {
            complaints.append(Complaint(code: .usage, lines: ["\(word): error: \(error)"]))
        }
    }

    /// Sets a key as a field of a list asks for.
    mutating func set(_ cell: NewVM.Cell) {
        cells.insert(cell.place)
        set(cell.edit, by: cell.place)
    }

    /// Notes that a word says what the key would say.
    mutating func reserve(_ key: KeyName, for word: String) {
        let thing = "\(key.ofItsThing)"
        guard let other = words.updateValue(word, forKey: thing) else { return }
        words[thing] = other
        complaints.append(
            Complaint(code: .usage, lines: ["\(key): error: both \(other) and \(word) set it: use one of them"]))
    }

    /// Sets a key for which no word of the command line asks, unless something sets it already.
    ///
    /// - Parameter included: what is set in the files that this one includes.
    mutating func fillIn(_ key: KeyName, _ value: String, besides included: Set<KeyName>) {
        guard !included.contains(key), GivenKeys(in: document.text).values[key] == nil else { return }
        filledIn.insert(key)
        do throws(ParamsDocument.Failure) { try ParamsEdit(key, to: value).apply(to: &document) } catch {
            complaints.append(Complaint(code: .bug, lines: ["\(key): error: \(error)"]))
        }
    }

    /// Whether what a key says was filled in.
    func isFilledIn(_ key: KeyName) -> Bool { filledIn.contains(key) && words["\(key)"] == nil }

    /// Sets a key as `--set` asks for. A word that sets none is shown as the only line of a file would be.
    mutating func set(_ word: String) {
        let option = "\(ShellCommand(words: ["--set", word]))"
        do throws(VMError) {
            set(try ParamsEdit(word), by: option)
        } catch {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let line = parts.count == 2 ? "\(ParamsLine(parts[0], parts[1]))" : word
            let parsed = VMParams.parse(Array("NAME=x\n\(line)\n".utf8), file: file)
            let shown = parsed.diagnostics.filter(\.isError).flatMap { $0.rendered(at: option) }
            let isOneLine = !word.utf8.contains(where: ShellWord.isControl)
            complaints.append(
                Complaint(
                    code: .usage,
                    lines: shown.isEmpty || !isOneLine ? ["\(option): error: \(error.summary)"] : shown))
        }
    }
}

extension NewParams {
    /// Everything that is wrong, at once; nil: nothing. There is no file yet whose content could be wrong: what an option
    /// says is a fault of the command line, what `--set` says one as `set` knows it.
    func refusal(of parsed: ParsedParams?) -> VMError? {
        if let error = nameless { return error }
        let keys = document.keysByLine
        let complaints =
            complaints
            + (parsed?.diagnostics ?? []).filter(\.isError).map { diagnostic in
                let word = diagnostic.file == nil ? keys[diagnostic.line].flatMap(word) : nil
                let isCell = word.map(cells.contains) == true
                let isOption = !isCell && word?.hasPrefix("--set ") == false || word == nil && model == nil
                let code: VMError.Code = diagnostic.kind == .unavailable ? .unavailable : .badData
                let place = word ?? keys[diagnostic.line].map { "\($0)" + (model.map { " of \($0)" } ?? "") }
                var shown = diagnostic
                if diagnostic.file == nil { shown.hint = diagnostic.hint.map(Self.ofWords) }
                return Complaint(
                    code: isOption && diagnostic.file == nil ? .usage : code,
                    lines: diagnostic.file == nil
                        ? shown.rendered(at: place ?? file.string) : diagnostic.rendered(file: ""))
            }
        guard !complaints.isEmpty else { return nil }
        let rest = parsed.map(\.unlisted) ?? 0
        let code = [VMError.Code.usage, .badData].first { code in complaints.contains { $0.code == code } }
        return VMError(
            code ?? .unavailable, file.removingLastComponent().string, "this does not make a valid VM",
            details: complaints.flatMap(\.lines) + (rest > 0 ? ["… and \(rest) more"] : []) + [NewVM.nothingCreated])
    }

    /// What a message says of each line instead of its number: there is no file yet that has these lines.
    var wordsByLine: [Int: String] {
        document.keysByLine.mapValues { word(for: $0) ?? model.map { "of \($0)" } ?? "default" }
    }

    /// What a hint says of lines, said of words.
    private static func ofWords(_ hint: String) -> String {
        for (line, word) in [
            ("emove the line", "eave it out"), ("emove this line", "eave it out"),
            ("emove one of the two lines", "eave one of the two out"),
        ] {
            guard let range = hint.firstRange(of: line), let first = hint[..<range.lowerBound].last else { continue }
            let before = hint[..<range.lowerBound].dropLast()
            return "\(before)\(first == "R" ? "L" : "l")\(word)\(hint[range.upperBound...])"
        }
        return hint
    }

    private func word(for key: String) -> String? {
        if case .entry(_, let name) = ParamsSchema.find(key) { return words["\(name.ofItsThing)"] }
        return words[key]
    }

    /// Why its directory can't give it a name.
    private var nameless: VMError? {
        let (name, source) = VMParams.defaultNameText(of: file)
        guard document.value(of: KeyName(.name)) == nil, VMName(name) == nil else { return nil }
        return VMError(
            .usage, file.removingLastComponent().string, "\(source), \(Printable.quoted(name)), can't be the VM's name",
            remedy: "give another one with --name NAME. \(ParamsDecoder.nameRule)")
    }
}
