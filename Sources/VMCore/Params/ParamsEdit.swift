/// A change to a params file: a key that gets a value, or is removed.
package struct ParamsEdit: Hashable, Sendable {
    /// The key.
    package let key: KeyName
    /// Its new value; nil: the key is removed.
    package let value: String?

    /// Changes a key that is known, to a value that a line can hold; nil: the key is removed.
    init(_ key: KeyName, to value: String?) { (self.key, self.value) = (key, value) }

    /// Changes a key.
    ///
    /// - Throws: `.usage` if there is no such key, or no line can hold the value.
    package init(key: String, value: String?) throws(VMError) {
        guard case .entry(_, let name) = ParamsSchema.find(key) else { throw Self.unknown(key) }
        if let byte = value?.utf8.first(where: ShellWord.isControl) {
            throw VMError(.usage, key, "\(ParamsDocument.Failure.controlCharacter(name, byte))")
        }
        (self.key, self.value) = (name, value)
    }

    /// Reads a change as it is written on a command line: `KEY=VALUE`, where the value may be empty.
    ///
    /// - Throws: `.usage` if it is anything else.
    package init(_ word: String) throws(VMError) {
        guard let equals = word.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            throw VMError(.usage, word.isEmpty ? "''" : word, "is not KEY=VALUE")
        }
        try self.init(key: String(word[..<equals]), value: String(word[word.utf8.index(after: equals)...]))
    }

    /// The text of a params file with these changes, in their order. Everything else in it stays as it is: comments, the
    /// order of the lines, their ends, and the quotes of a value if the new one allows them. A new key goes next to the
    /// keys that it belongs to.
    ///
    /// - Parameter changes: keys and their new values; nil: the key is removed.
    /// - Throws: `.usage` if a change can't be made in any file, `.badData` if this text does not allow it.
    package static func setting(_ changes: [(key: String, value: String?)], in text: String) throws(VMError) -> String {
        var edits: [ParamsEdit] = []
        for change in changes { edits.append(try ParamsEdit(key: change.key, value: change.value)) }
        return try applying(edits, to: text)
    }

    /// The same for changes that were read before. What describes a NIC that they take away goes with it.
    package static func applying(_ given: [ParamsEdit], to text: String) throws(VMError) -> String {
        let edits = withWhatGoes(given, in: text)
        var document = ParamsDocument(Array(text.utf8))
        for (number, edit) in edits.enumerated() {
            if let other = edits[..<number].first(where: { $0.key == edit.key || $0.key == edit.synonym }) {
                let what = other.key == edit.key ? "is named twice" : "is another name of \(other.key)"
                throw VMError(.usage, "\(edit.key)", what, remedy: "name it once")
            }
        }
        // Removals last: they may take the only line away that shows how lines end.
        for edit in edits.filter({ $0.value != nil }) + edits.filter({ $0.value == nil }) {
            do throws(ParamsDocument.Failure) { try edit.apply(to: &document) } catch {
                throw VMError(
                    .badData, "\(edit.key)", "can't be changed: \(error)",
                    remedy: "correct the file by hand")
            }
        }
        return document.text
    }

    private static func unknown(_ key: String) -> VMError {
        let nearest = ParamsSchema.nearest(to: key).map { "did you mean \($0)? " } ?? ""
        return VMError(
            .usage, key.isEmpty ? "''" : key, "is not a key of vm.params",
            remedy: .advice("\(nearest)\(command: "kvmctl keys") lists them all"))
    }
}

// MAC and BRIDGE are short for NET0_MAC and NET0: a file has only one of the two, and keeps the one that it has.
extension ParamsEdit {
    func apply(to document: inout ParamsDocument) throws(ParamsDocument.Failure) {
        let synonym = synonym.flatMap { document.value(of: $0) == nil ? nil : $0 }
        guard let synonym, document.value(of: key) == nil else { return try document.write(value, to: key) }
        switch key.key {
        case .bridge: try document.write(value.map { "\(KeyName.bridgePrefix)\($0)" }, to: synonym)
        // Only a bridge has a short form.
        case .net:
            let prefix = KeyName.bridgePrefix
            let bridge = value.flatMap { $0.hasPrefix(prefix) ? $0.dropFirst(prefix.count) : nil }
            if let value, bridge == nil { try document.set(key, to: value) }
            try document.write(bridge.map(String.init), to: synonym)
        default: try document.write(value, to: synonym)
        }
    }

    /// Whether it sets a key to nothing that has to have a value.
    var isEmptying: Bool { value?.isEmpty == true && !key.key.mayBeEmpty }

    /// The other key for the same thing.
    private var synonym: KeyName? {
        switch (key.key, key.index) {
        case (.mac, _): KeyName(.netMAC, 0)
        case (.netMAC, 0): KeyName(.mac)
        case (.bridge, _): KeyName(.net, 0)
        case (.net, 0): KeyName(.bridge)
        default: nil
        }
    }
}

extension KeyName {
    /// The key that it is short for, or itself.
    package var ofItsThing: KeyName {
        switch key {
        case .mac: KeyName(.netMAC, 0)
        case .bridge: KeyName(.net, 0)
        default: self
        }
    }

    /// The key of the thing that it describes: DISK1 for DISK1_SIZE.
    var thing: KeyName {
        guard case .entry(let entry, let name) = ParamsSchema.find("\(ofItsThing)") else { return self }
        return KeyName(entry.needs ?? name.key, name.index)
    }
}

extension ParamsDocument {
    fileprivate mutating func write(_ value: String?, to key: KeyName) throws(Failure) {
        if let value { try set(key, to: value) } else { try remove(key) }
    }
}
