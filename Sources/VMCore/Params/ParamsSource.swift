import SystemPackage

/// The text of a params file, or of a file that one includes (`INCLUDE`).
package struct ParamsSource: Equatable, Sendable {
    /// Its absolute path, which relative paths in it derive from.
    package var file: FilePath
    /// Its content. To see that it is too large, one byte more than ``VMParams/maximumFileSize`` is enough.
    package var bytes: [UInt8]

    /// Describes a file; see the properties.
    package init(_ file: FilePath, _ bytes: [UInt8]) {
        self.file = file
        self.bytes = bytes
    }

    /// The file that it includes; nil: none, or not one that could be read.
    package var include: Setting<FilePath>? {
        let key = ParamsKey.include.pattern
        // Most files include none, and are not read twice to see that.
        guard bytes.mention(key) else { return nil }
        let line = ParamsLexer(bytes).lazy.compactMap { try? $0.get() }.first { $0.key == key }
        guard let line, !line.value.isEmpty,
            let path = try? ParamValue.path(line.value, in: VMParams.directory(of: file))
        else { return nil }
        return Setting(path, .line(line.line, key: KeyName(.include)))
    }
}

extension [ParamsSource] {
    /// How many files one VM may include, each from the one before.
    package static let mostIncludes = 4

    /// The file that the last of these includes; nil: none.
    ///
    /// - Throws: `.badData` if it is one of these, or one too many.
    package func nextInclude() throws(VMError) -> (place: String, file: FilePath)? {
        guard let last, let include = last.include else { return nil }
        let place = "\(last.file):\(include.origin.lineNumber ?? 1): \(ParamsKey.include.pattern)"
        let next = include.value.lexicallyNormalized()
        if let start = firstIndex(where: { $0.file.lexicallyNormalized() == next }) {
            let circle = self[start...].map(\.file.string) + [next.string]
            throw VMError(
                .badData, place, "the files include one another: \(circle.joined(separator: " → "))",
                remedy: "remove one of the lines")
        }
        guard count <= Self.mostIncludes else {
            throw VMError(
                .badData, place,
                "\(include.value) would be the \(count)th file that is included, each by the one before; "
                    + "at most \(Self.mostIncludes) are",
                remedy: "put what they say into fewer files")
        }
        return (place, include.value)
    }
}
