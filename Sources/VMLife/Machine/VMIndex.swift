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
