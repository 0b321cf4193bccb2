import SystemPackage
import VMCore
import VMHost

/// The names of all VMs that have run-time files or logs. Most of a thousand defined VMs have none, and looking for the
/// files of each takes longer than reading its params file.
struct NamesWithFiles {
    /// nil: a directory can't be listed, so that each VM has to be looked for.
    private let names: Set<String>?

    /// - Parameters:
    ///   - others: which other users' places count too.
    ///   - own: the VMs that have some in the caller's own places.
    init(names own: [VMName], _ others: OtherUsers) {
        var found = Set(own.map(\.description))
        do throws(Errno) {
            if case .root(let place) = others {
                for directory in [place.machines, place.log] { found.formUnion(try VMHost.names(in: directory) ?? []) }
            }
            names = found
        } catch { names = nil }
    }

    /// Whether a VM may have any.
    func mayBe(of name: VMName) -> Bool { names?.contains(name.description) ?? true }
}
