import BridgeNet

/// The changes after which the wanted files are the only ones that kvmctl has written for a bridge. Pure.
package struct PersistPlan: Equatable, Sendable {
    /// The files to be written.
    package var writes: [ConfigurationFile] = []
    /// kvmctl's files to be removed.
    package var removals: [String] = []

    /// Whether there is nothing to change.
    package var isEmpty: Bool { writes.isEmpty && removals.isEmpty }

    /// An existing file.
    package struct Found: Equatable {
        var path: String
        /// Nil if the caller may not read it: it is then assumed to be kvmctl's, as only root can tell.
        var text: String?

        package init(path: String, text: String? = nil) {
            self.path = path
            self.text = text
        }

        func owner(_ bridge: InterfaceName) -> MarkedText.Owner {
            text.map(MarkedText.owner) ?? .ours(bridge.description)
        }
    }

    /// - Parameter found: every file in the directories where kvmctl's files may be.
    /// - Throws: `cannotCreate` if another file, or an edited one, is in the place of a wanted one.
    package init(_ wanted: [ConfigurationFile], for bridge: InterfaceName, found: [Found]) throws(VMError) {
        for file in wanted {
            guard let existing = found.first(where: { $0.path == file.path }) else {
                writes.append(file)
                continue
            }
            switch existing.owner(bridge) {
            case .ours(bridge.description): if existing.text != file.text { writes.append(file) }
            case .edited: throw Self.wasEdited(existing.path, .cannotCreate)
            case .ours, .foreign:
                throw VMError(
                    .cannotCreate, file.path, "exists already, and kvmctl did not write it",
                    remedy: .run("move it away", Self.move(file.path)))
            }
        }
        let stale = found.filter { one in one.text != nil && !wanted.contains { $0.path == one.path } }
        removals = try Self.own(stale, bridge, .cannotCreate)
    }

    /// Removes all files of the bridge.
    ///
    /// - Throws: `busy` if one of them was edited.
    package init(removing bridge: InterfaceName, found: [Found]) throws(VMError) {
        removals = try Self.own(found.filter { $0.text != nil }, bridge, .busy)
    }

    /// The files that belong to the bridge; if one was edited, this fails.
    private static func own(
        _ found: [Found], _ bridge: InterfaceName, _ code: VMError.Code
    ) throws(VMError) -> [String] {
        var own: [String] = []
        for file in found {
            switch file.owner(bridge) {
            case .ours(bridge.description): own.append(file.path)
            case .edited(bridge.description): throw wasEdited(file.path, code)
            default: continue
            }
        }
        return own
    }

    private static func wasEdited(_ path: String, _ code: VMError.Code) -> VMError {
        VMError(
            code, path, "was edited since kvmctl wrote it, so kvmctl leaves it and all others alone",
            remedy: .run("move it away", move(path)))
    }

    /// Out of the directory: ifupdown would read it under another name too.
    private static func move(_ path: String) -> ShellCommand { "mv --no-clobber \(path) /root/" }
}
