extension NewVM {
    /// Refuses to start a new VM that is to be a template.
    ///
    /// - Throws: `.usage` with the option or the cell that says so.
    package func refuseStartOfTemplate() throws(VMError) {
        let set = settings.compactMap { word in (try? ParamsEdit(word)).map { (place: "--set \(word)", edit: $0) } }
        let said = set + cells.map { (place: "\($0.place): \($0.edit.key)", edit: $0.edit) }
        guard let last = said.last(where: { $0.edit.key.key == .template }),
            let value = last.edit.value, (try? ParamValue.bool(value)) == true
        else { return }
        throw VMError(
            .usage, last.place, "makes the VM a template, which is not started",
            remedy: "leave that out; or create it without --start, and with --from in place of --from-warm")
    }
}
