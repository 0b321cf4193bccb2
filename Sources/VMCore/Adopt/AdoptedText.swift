import SystemPackage

extension AdoptedMachine {
    /// The text of its params file. What the decoder refuses is left out, and named as lost.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - file: where the text will be.
    ///   - comment: what the file's first line says.
    /// - Throws: `.unavailable` if kvmctl has no such board; `.badData` if no valid file can be made of it.
    package mutating func text(name: VMName, file: FilePath, comment: String) throws(VMError) -> String {
        while true {
            let text = document(name, file, comment)
            let parsed = VMParams.parse(Array(text.utf8), file: file)
            guard let fault = parsed.diagnostics.first(where: \.isError) else { return text }
            let written = text.split(separator: "\n", omittingEmptySubsequences: false)
            let key = written.indices.contains(fault.line - 1) ? written[fault.line - 1].prefix { $0 != "=" } : ""
            guard let index = lines.firstIndex(where: { "\($0.key)" == key }) else {
                throw parsed.error ?? VMError(.badData, file.string, fault.message)
            }
            let line = lines.remove(at: index)
            guard line.key.key != .machine else {
                throw VMError(
                    .unavailable, line.reason, "kvmctl has no board \(line.value)",
                    remedy: "only machines of q35 and pc can be adopted")
            }
            losses.append(Loss(argument: "\(line.key)=\(line.value)", reason: fault.message))
        }
    }

    private mutating func document(_ name: VMName, _ file: FilePath, _ comment: String) -> String {
        var document = ParamsDocument()
        document.append(comment: comment)
        try? document.set(KeyName(.name), to: name.description)
        for line in lines {
            do throws(ParamsDocument.Failure) { try document.set(line.key, to: line.value) } catch {
                lines.removeAll { $0 == line }
                losses.append(Loss(argument: "\(line.key)=\(line.value)", reason: "\(error)"))
            }
        }
        for loss in losses { document.append(comment: "Not taken over: \(loss.argument): \(loss.reason)") }
        return document.text
    }
}
