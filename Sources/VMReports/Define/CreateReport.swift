import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl create`: what was created, or would be.
package struct CreateReport: ObjectReport {
    private let isDryRun: Bool
    private let name: VMName
    private let file: FilePath
    private let paramsText: String
    private let root: FilePath?
    private let disks: [SparseDisk]
    private let files: [FilePath]
    private let isOneOfMany: Bool
    private let started: Starting.Outcome?

    /// Reports a new VM.
    ///
    /// - Parameters:
    ///     - name: Its name.
    ///     - file: Its params file.
    ///     - paramsText: The text of that file.
    ///     - root: The directory of VMs, if that is new too.
    ///     - disks: Its disks.
    ///     - files: Its other files, for cloud-init.
    ///     - isOneOfMany: Whether several are created, of which people are told in a line each.
    ///     - started: What became of its start; nil: it was not started.
    package init(
        isDryRun: Bool, name: VMName, file: FilePath, paramsText: String, root: FilePath?, disks: [SparseDisk],
        files: [FilePath] = [], isOneOfMany: Bool = false, started: Starting.Outcome? = nil
    ) {
        self.isDryRun = isDryRun
        self.name = name
        self.file = file
        self.paramsText = paramsText
        self.root = root
        self.disks = disks
        self.files = files
        (self.isOneOfMany, self.started) = (isOneOfMany, started)
    }

    /// What a new VM is.
    package var schema: Schema { .create }

    /// What there is of it.
    package var members: Members {
        [
            "name": .string(name.description), "dryRun": .bool(isDryRun), "params": .string(file.string),
            "text": .string(paramsText),
            "root": .optional(root?.string),
            "disks": .array(
                disks.map {
                    [
                        "path": .string($0.path.string), "size": .int($0.size.bytes),
                        "format": .string($0.format.rawValue), "image": .optional($0.content.image?.string),
                        "overlay": .bool($0.content.isOverlay),
                    ]
                }),
            "files": .strings(files), "started": .bool(started != nil),
        ]
    }

    /// A line for each file, and for a dry run what would be in it.
    package var text: [TextBlock] {
        let root = [root].compactMap(\.self)
        if isOneOfMany, !isDryRun { return [.lines("created \(name): \(file)")] + startText }
        guard isDryRun else {
            return (root + [file] + disks.map(\.path) + files).map { .lines("created \($0)") } + startText
        }
        let steps =
            root.map { "create \($0)" }
            + disks.map { "create \($0.path), \($0.kind), \($0.size)" } + files.map { "write \($0)" }
        // The file ends its last line itself.
        let lines = paramsText.hasSuffix("\n") ? paramsText.dropLast() : paramsText[...]
        return steps.map { .lines($0) } + ["write \(file):\n\(lines)"]
    }

    private var startText: [TextBlock] { started.map { StartReport(name, $0).text } ?? [] }
}

extension SparseDisk {
    /// What it is, in words.
    fileprivate var kind: String {
        switch content {
        case .empty: format == .raw ? "sparse" : format.rawValue
        case .copy(let source): "\(format.rawValue), a copy of \(source.path)"
        case .overlay(let base, _, _): "\(format.rawValue), an overlay of \(base)"
        }
    }
}

extension SparseDisk.Content {
    /// What it is made of.
    fileprivate var image: FilePath? {
        switch self {
        case .empty: nil
        case .copy(let source): source.path
        case .overlay(let base, _, _): base
        }
    }

    fileprivate var isOverlay: Bool { if case .overlay = self { true } else { false } }
}
