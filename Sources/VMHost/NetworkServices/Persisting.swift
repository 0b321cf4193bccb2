import BridgeNet
import Glibc
import SystemPackage
import VMCore

/// Writes a bridge to the configuration of the service that sets up the host's network at boot, and removes it again.
package struct Persisting {
    /// What will be written and removed.
    package let plan: PersistPlan
    /// The service whose files they are; nil if files are only removed.
    package let service: NetworkService?
    /// What the admin has to know: what these files leave out, and which other files configure the same links.
    package let notices: [String]

    /// Plans to write a bridge as it is now. Touches nothing.
    ///
    /// - Parameter asked: the service to write it for; nil for the one that the host uses.
    /// - Throws: `notFound` without the bridge, `cannotCreate` if a file that is not kvmctl's is in the way, `busy` and
    ///   `unavailable` if it is not clear which service to write for.
    package init(_ bridge: InterfaceName, for asked: NetworkService?) throws(VMError) {
        let found = try FoundBridge(bridge, in: try Bridges.kernel())
        let probe = NetworkServiceProbe(bridge: bridge, links: found.links)
        let all = probe.facts
        let facts = try ServiceFacts.choose(from: all, asked: asked, bridge: bridge.description)
        if let obstacle = facts.obstacle {
            throw VMError(.unavailable, obstacle.file, obstacle.cause, remedy: obstacle.remedy)
        }
        let files = facts.service.files(found.configuration, facts.nameservers)
        service = facts.service
        plan = try PersistPlan(files, for: bridge, found: try probe.filesFound())
        notices = found.notices + all.flatMap(\.places).map(\.advice)
    }

    /// Plans to remove the files of a bridge. Touches nothing.
    ///
    /// - Throws: `busy` if one of them was edited.
    package init(removing bridge: InterfaceName) throws(VMError) {
        service = nil
        let probe = NetworkServiceProbe(bridge: bridge, links: [])
        plan = try PersistPlan(removing: bridge, found: try probe.filesFound())
        notices = []
    }

    /// When it takes effect, for people.
    package var effect: String {
        let reload = service?.reload.map { "; \(command: $0) makes \(service?.title ?? "") read it now" } ?? ""
        return "takes effect at the next boot\(reload)"
    }

    /// Writes and removes the files. On failure every file is restored.
    package func carryOut() throws(VMError) {
        var undo: [FileState] = []
        do {
            for path in plan.writes.map(\.path) + plan.removals { undo.append(try FileState(path)) }
            for file in plan.writes { try Self.write(file) }
            for path in plan.removals { try Self.remove(path) }
        } catch {
            for state in undo { state.restore() }
            throw error
        }
    }

    private static func write(_ file: ConfigurationFile) throws(VMError) {
        let path = FilePath(file.path)
        do throws(Errno) {
            try makeDirectories(path.removingLastComponent(), permissions: 0o755)
            try replaceFile(path, with: Array(file.text.utf8), permissions: file.permissions, lasting: true)
        } catch { throw .system(error, file.path, "can't be written", remedy: rootRemedy(error)) }
    }

    private static func remove(_ path: String) throws(VMError) {
        do throws(Errno) { try removeReplacedFile(FilePath(path)) } catch {
            throw .system(error, path, "can't be removed", remedy: rootRemedy(error))
        }
    }

    private static func rootRemedy(_ error: Errno) -> Remedy? {
        error == .permissionDenied || error == .notPermitted ? "run it as root" : nil
    }
}

/// A file's previous state, to be restored.
private struct FileState {
    private let path: FilePath
    private let content: [UInt8]?
    private let permissions: UInt32

    init(_ path: String) throws(VMError) {
        self.path = FilePath(path)
        do throws(Errno) {
            let found = try status(of: self.path)
            permissions = found.map { $0.st_mode & 0o7777 } ?? 0
            content = found == nil ? nil : try readFile(self.path)
        } catch { throw .system(error, path, "can't be read") }
    }

    func restore() {
        // The failure that led here is reported, not a failure to restore.
        guard let content else { return (try? removeReplacedFile(path)) ?? () }
        try? replaceFile(path, with: content, permissions: permissions, lasting: true)
    }
}
