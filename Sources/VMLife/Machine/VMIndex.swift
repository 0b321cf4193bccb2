import SystemPackage
import VMCore
import VMHost

/// All VMs, read once and only when needed, however many VMs a command line names.
final class VMIndex {
    private let site: Site
    let read: Site.Reader

    /// - Parameter read: reads a params file.
    init(_ site: Site, reading read: @escaping Site.Reader) {
        self.site = site
        self.read = read
    }

    /// The running VMs, as far as they can be told, by their files.
    private(set) lazy var runningFiles = FileIndex(
        site.running().compactMap { try? $0.get() }.filter { !$0.file.isEmpty }, by: \.file)

    /// The manifests of the VMs that were started since boot. Hardly one is parsed.
    private lazy var manifests = (try? site.startedNames())?.map { name in
        (name: name, text: (try? Manifest.text(in: RuntimeDirectory(name, in: site.paths))) ?? [])
    }

    /// The running VM that was started from the file at exactly this path, by whatever name: the file may name it
    /// differently by now. What can't be read keeps nobody from naming another VM; the command itself will look again.
    func runs(from file: FilePath) -> Machine? {
        let found = manifests?.first { Manifest($0.text, of: file) != nil }
        let vm = found.map { Machine(name: $0.name, file: file, site: site) }
        return vm.flatMap { $0.observe().state.isAlive ? $0 : nil }
    }

    /// The VMs under the roots.
    private(set) lazy var defined = site.definitions()

    /// The same, by the names that their files give them.
    private(set) lazy var byName = Dictionary(
        grouping: defined.files.compactMap { file in name(of: file).map { (name: $0, file: file) } },
        by: \.name
    ).mapValues { $0.map(\.file) }

    /// The name that a file gives its VM; if the file has errors, the name that its path gives it.
    func name(of file: FilePath) -> VMName? {
        (try? read(file))?.name.value ?? VMParams.defaultName(of: file)
    }

    private lazy var plainNames = defined.plainNames()

    /// The path under the roots, without a link in it, of the params file that a path leads to; nil if there is none.
    func plainName(of file: FilePath) -> FilePath? {
        (try? status(of: file)).flatMap { $0 }.flatMap { plainNames[FileIdentity($0)] }
    }
}
