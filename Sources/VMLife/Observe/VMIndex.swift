import SystemPackage
import VMCore
import VMHost

/// All VMs, read once and only when needed, however many VMs a command line names.
final class VMIndex {
    private let locator: VMLocator

    init(_ locator: VMLocator) { self.locator = locator }

    /// The running VMs, as far as they can be told, by their files.
    private(set) lazy var runningFiles = FileIndex(
        locator.running().compactMap { try? $0.get() }.filter { !$0.file.isEmpty }, by: \.file)

    /// The VMs under the roots.
    private(set) lazy var defined = locator.definitions()

    /// The same, by the names that their files give them.
    private(set) lazy var byName = Dictionary(
        grouping: defined.files.compactMap { file in VMLocator.name(of: file).map { (name: $0, file: file) } },
        by: \.name
    ).mapValues { $0.map(\.file) }

    private lazy var plainNames = defined.plainNames()

    /// The path under the roots, without a link in it, of the params file that a path leads to; nil if there is none.
    func plainName(of file: FilePath) -> FilePath? {
        (try? status(of: file)).flatMap { $0 }.flatMap { plainNames[FileIdentity($0)] }
    }
}
