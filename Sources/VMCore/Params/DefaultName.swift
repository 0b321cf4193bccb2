import SystemPackage

extension VMParams {
    /// The name of a VM whose file gives none: the directory's if the file is `vm.params`, else the file's own without
    /// `.params`; nil where that can't be a name.
    static func defaultName(of file: FilePath) -> VMName? { VMName(defaultNameText(of: file).text) }

    /// The same before it is judged, and whose name it is.
    static func defaultNameText(of file: FilePath) -> (text: String, source: String) {
        let last = file.lastComponent?.string ?? ""
        if last == "vm.params" {
            return (file.removingLastComponent().lastComponent?.string ?? "", "the directory's name")
        }
        return (last.hasSuffix(".params") ? String(last.dropLast(7)) : last, "the file's name")
    }
}
