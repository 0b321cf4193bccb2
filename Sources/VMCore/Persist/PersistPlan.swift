import BridgeNet

/// What has to be done for the configuration files of a bridge to be those wanted, and no others of ours. Pure.
package struct PersistPlan: Equatable, Sendable {
    /// The files to be written.
    package var writes: [ConfigurationFile] = []
    /// Files of ours to be removed.
    package var removals: [String] = []

    /// Whether all is as wanted.
    package var isEmpty: Bool { writes.isEmpty && removals.isEmpty }

    /// A file that is there.
    package struct Found: Equatable {
        var path: String
        /// Nil where the caller may not read it: then it is taken for ours, which only root can try.
        var text: String?

        package init(path: String, text: String? = nil) {
            self.path = path
            self.text = text
        }

        func owner(_ bridge: InterfaceName) -> MarkedText.Owner {
            text.map(MarkedText.owner) ?? .ours(bridge.description)
        }
    }

    /// - Parameter found: every file in the directories where a file of ours may be.
    /// - Throws: `cannotCreate` if a file that is not ours, or no longer, is where ours belongs.
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
                    .cannotCreate, file.path, "is there already, and kvmctl did not write it",
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

    /// Those of the files that are the bridge's; an edited one stops everything.
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
            code, path, "was edited since kvmctl wrote it, so kvmctl leaves it alone, and all others with it",
            remedy: .run("move it away", move(path)))
    }

    /// Out of the directory: ifupdown would read it under another name too.
    private static func move(_ path: String) -> ShellCommand { "mv --no-clobber \(path) /root/" }
}
