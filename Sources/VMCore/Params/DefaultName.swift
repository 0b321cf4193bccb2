import SystemPackage

extension VMParams {
    /// The name of a VM whose file gives none: the directory's if the file is `vm.params`, else the file's own without
    /// `.params`; nil where that can't be a name.
    static func defaultName(of file: FilePath) -> VMName? {
        guard let last = file.lastComponent?.string else { return nil }
        if last == "vm.params" { return file.removingLastComponent().lastComponent.flatMap { VMName($0.string) } }
        return VMName(last.hasSuffix(".params") ? String(last.dropLast(7)) : last)
    }
}
