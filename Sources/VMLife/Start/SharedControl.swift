import Glibc
import SystemPackage
import VMCore
import VMHost

/// What must not be in a directory that a guest may write to: what decides what root does here.
///
/// A guest's root that could replace the VM's params file would be the host's at the next start; so would one that could
/// replace a disk's path by a link, or the QEMU that is run.
struct SharedControl {
    private let files: [FilePath]

    init(_ params: VMParams, _ site: Site, qemu: FilePath?) {
        // A share in another could be replaced by a link to anywhere; of itself only the name matters.
        let shares = params.shares.map(\.directory.value.path)
        let named = params.namedPaths.map { shares.contains($0) ? $0.removingLastComponent() : $0 }
        let paths = site.paths
        let kvmctls = paths.roots + [paths.run, paths.log, paths.cache, site.userConfiguration]
        let hosts: [FilePath] = ["/etc", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]
        files = [params.file] + named + [qemu].compactMap(\.self) + kvmctls + hosts
    }

    /// The first of it that is in a directory, or is the directory; nil: nothing.
    func found(in directory: FilePath) -> FilePath? {
        guard let shared = identity(of: directory) else { return nil }
        return files.first { file in
            // The directories on its path, and those where it really is.
            [file, RunFileOwnership.realPath(file)].compactMap(\.self).contains { path in
                var path = path
                repeat { if identity(of: path) == shared { return true } } while path.removeLastComponent()
                return false
            }
        }
    }

    private func identity(of path: FilePath) -> FileIdentity? {
        (try? status(of: path)).flatMap(\.self).map { FileIdentity($0) }
    }
}

extension HostProbe {
    /// What the guest could do to the host through the directories that it may write to.
    func addShares(_ params: VMParams, qemu: FilePath?, to facts: inout HostFacts) {
        let shares = params.shares.map(\.directory.value).filter { !$0.isReadOnly }.map(\.path)
        guard !shares.isEmpty else { return }
        facts.openShares = shares.filter(\.isOpenToAll)
        let control = SharedControl(params, context.site, qemu: qemu)
        for share in shares { facts.controlInShares[share] = control.found(in: share) }
    }
}

extension FilePath {
    /// Whether any account may enter this directory, by the modes of all on the way. Of one that can't be looked at, nobody
    /// else is expected to.
    fileprivate var isOpenToAll: Bool {
        var path = self
        while true {
            guard let found = (try? status(of: path)) ?? nil, found.st_mode & S_IXOTH != 0 else { return false }
            guard path.removeLastComponent() else { return true }
        }
    }
}
