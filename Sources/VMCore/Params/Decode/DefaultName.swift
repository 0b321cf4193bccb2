import SystemPackage

extension VMParams {
    /// The name of a VM whose file gives none: the directory's if the file is `vm.params`, else the file's own without
    /// `.params`; nil where that can't be a name.
    package static func defaultName(of file: FilePath) -> VMName? { VMName(defaultNameText(of: file).text) }

    /// The same before it is judged, and whose name it is.
    package static func defaultNameText(of file: FilePath) -> (text: String, source: String) {
        let (directory, last) = split(file.string[...])
        if last == "vm.params" { return (String(split(directory).last), "the directory's name") }
        return (String(last.hasSuffix(".params") ? last.dropLast(7) : last), "the file's name")
    }

    /// The directory that a file is in; empty for `/`.
    static func directory(of file: FilePath) -> String { String(split(file.string[...]).directory) }

    /// What is before the last `/` of a path, and what is after it.
    ///
    /// Not by FilePath's components: to find them takes longer than to decode a line of the file.
    private static func split(_ path: Substring) -> (directory: Substring, last: Substring) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
        return (path[..<slash], path[path.utf8.index(after: slash)...])
    }
}
