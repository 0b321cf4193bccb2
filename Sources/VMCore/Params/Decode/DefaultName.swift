import SystemPackage

extension VMParams {
    /// The name of a VM whose file sets none: the directory's if the file is `vm.params`, else the file's own without
    /// `.params`; nil if that is not a valid name.
    package static func defaultName(of file: FilePath) -> VMName? { VMName(defaultNameText(of: file).text) }

    /// The default name before validation, and where it comes from.
    package static func defaultNameText(of file: FilePath) -> (text: String, source: String) {
        let (directory, last) = split(file.string[...])
        if last == "vm.params" { return (String(split(directory).last), "the directory's name") }
        return (String(last.hasSuffix(".params") ? last.dropLast(7) : last), "the file's name")
    }

    /// The directory that a file is in; empty for `/`.
    static func directory(of file: FilePath) -> String { String(split(file.string[...]).directory) }

    /// Splits a path at its last `/`.
    ///
    /// FilePath's components are not used: finding them takes longer than decoding a line of the file.
    private static func split(_ path: Substring) -> (directory: Substring, last: Substring) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
        return (path[..<slash], path[path.utf8.index(after: slash)...])
    }
}
