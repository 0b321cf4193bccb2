import SystemPackage
import VMCore
import VMHost

/// The names of all VMs that have left anything to look at in some places: most of a thousand that are defined have not, and
/// to look for the files of each takes longer than to read its params file.
struct Traces {
    /// nil: something can't be listed, so that each VM has to be looked for.
    private let names: Set<String>?

    /// - Parameters:
    ///   - others: who else has places.
    ///   - own: those that have in the caller's own.
    init(names own: [VMName], _ others: Others) {
        var found = Set(own.map(\.description))
        do throws(Errno) {
            if case .root(let place) = others {
                for directory in [place.machines, place.log] { found.formUnion(try VMHost.names(in: directory) ?? []) }
            }
            names = found
        } catch { names = nil }
    }

    /// Whether there may be anything of a VM.
    func mayBe(of name: VMName) -> Bool { names?.contains(name.description) ?? true }
}
