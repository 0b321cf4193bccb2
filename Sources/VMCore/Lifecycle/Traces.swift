/// The names of all VMs that have left anything to look at in some places: most of a thousand that are defined have not, and
/// to look for the files of each takes longer than to read its params file.
struct Traces {
    /// nil: some directory can't be listed, so that each VM has to be looked for.
    private let names: Set<String>?

    init(of places: [Paths]) {
        let found = places.flatMap { [$0.machines, $0.log] }.map { try? (VMCore.names(in: $0) ?? []) }
        names = found.contains { $0 == nil } ? nil : Set(found.compactMap(\.self).joined())
    }

    /// Whether there may be anything of a VM.
    func mayBe(of name: VMName) -> Bool { names?.contains(name.description) ?? true }
}
