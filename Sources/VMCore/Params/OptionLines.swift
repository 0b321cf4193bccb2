import SystemPackage

/// The text of a params file in which a command line sets some keys. What is wrong because of that is shown in the option that
/// says so.
package struct OptionLines {
    /// The text.
    package let text: String
    private let file: FilePath
    private let options: [KeyName: String]

    /// - Parameters:
    ///   - edits: what the options set.
    ///   - text: that of the file.
    ///   - options: by what each key is set, such as `--memory`; `--set KEY=VALUE` by others.
    /// - Throws: why the text can't be changed so.
    package init(
        _ edits: [ParamsEdit], in text: String, of file: FilePath, options: [KeyName: String]
    ) throws(VMError) {
        self.text = try ParamsEdit.applying(edits, to: text)
        self.file = file
        let said = edits.compactMap { edit in
            edit.value.map { (edit.key.ofItsThing, options[edit.key] ?? edit.option(saying: $0)) }
        }
        self.options = Dictionary(said) { first, _ in first }
    }

    /// What a message says of each line instead of its number, which is not that of the file.
    package var wordsByLine: [Int: String] {
        ParamsDocument(Array(text.utf8)).keysByLine.mapValues { option(for: $0) ?? "of \(file)" }
    }

    /// Why the options can't be used; nil: they can, or nothing that is wrong is said by one of them.
    package func refusal(of parsed: ParsedParams) -> VMError? {
        let keys = ParamsDocument(Array(text.utf8)).keysByLine
        let errors = parsed.diagnostics.filter(\.isError).map { fault in
            (fault: fault, option: fault.file == nil ? keys[fault.line].flatMap(option) : nil)
        }
        guard !errors.isEmpty, let option = errors.lazy.compactMap(\.option).first ?? options.values.sorted().first
        else { return nil }
        let lines = errors.flatMap { fault, option in
            fault.rendered(
                at: option ?? fault.file?.string ?? keys[fault.line].map { "\($0) of \(file)" } ?? file.string)
        }
        // What `--set` says is a fault as `set` knows it, what another option says one of the command line.
        let code: VMError.Code = option.hasPrefix("--set ") ? .badData : .usage
        return VMError(
            parsed.hasBadData ? code : .unavailable, option, "makes no valid VM of \(file)", details: lines)
    }

    private func option(for key: String) -> String? {
        guard case .entry(_, let name) = ParamsSchema.find(key) else { return nil }
        return options[name.ofItsThing]
    }
}

extension ParamsEdit {
    fileprivate func option(saying value: String) -> String { "\(ShellCommand(words: ["--set", "\(key)=\(value)"]))" }
}
