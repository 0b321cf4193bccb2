import SystemPackage
import VMCore
import VMHost

/// What was found out of all VMs, as far as it was asked for: once, however many words name VMs.
final class VMCensus {
    private let locator: VMLocator

    init(_ locator: VMLocator) { self.locator = locator }

    /// Those that run, as far as they can be seen, by their files.
    private(set) lazy var runningFiles = FileIndex(
        locator.running().compactMap { try? $0.get() }.filter { !$0.file.isEmpty }, by: \.file)

    /// Those under the roots.
    private(set) lazy var defined = locator.definitions()

    /// The same, by the names that their files give them.
    private(set) lazy var byName = Dictionary(
        grouping: defined.files.compactMap { file in VMLocator.name(of: file).map { (name: $0, file: file) } },
        by: \.name
    ).mapValues { $0.map(\.file) }

    private lazy var plainNames = defined.plainNames()

    /// The name of a params file under the roots that is no link, where this is another one of it; else nil.
    func plainName(of file: FilePath) -> FilePath? {
        (try? status(of: file)).flatMap { $0 }.flatMap { plainNames[FileIdentity($0)] }
    }
}
