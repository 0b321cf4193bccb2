import SystemPackage
import VMCore
import VMLife

/// `kvmctl adopt` of a params file: the lines that it was given, or would be.
package struct AdoptReport: ObjectReport {
    /// An adoption.
    package let schema = Schema.adopt
    private let name: VMName
    private let file: FilePath
    private let isDryRun: Bool
    private let lines: [(line: MissingLine, effect: FileChange.Effect)]

    /// Reports what became of a file.
    package init(_ name: VMName, file: FilePath, _ updated: UpdatedFile, isDryRun: Bool) {
        (self.name, self.file, self.isDryRun, lines) = (name, file, isDryRun, updated.lines)
    }

    /// The file, and each line.
    package var members: Members {
        [
            "dryRun": .bool(isDryRun), "name": .string(name.description), "params": .string(file.string),
            "lines": .array(
                lines.map { line, effect in
                    [
                        "key": .string("\(line.key)"), "value": .string(line.value),
                        "reason": .string(line.reason.words), "pending": .bool(effect.isPending),
                    ]
                }),
        ]
    }

    /// A line for each, with the reason.
    package var text: [TextBlock] {
        guard !lines.isEmpty else { return ["\(name): its file is up to date: it says all that 'create' would fix"] }
        return lines.map { line, effect in
            let deed = isDryRun ? "would add " : ""
            let when = effect.isPending ? "; from its next start" : ""
            return "\(name): \(deed)\(ParamsLine(line.key, line.value)): \(line.reason.words)\(when)"
        }
    }
}

extension FileChange.Effect {
    fileprivate var isPending: Bool {
        switch self {
        case .pending, .unknown: true
        case .saved, .applied, .asRunning: false
        }
    }
}

extension MissingLine.Reason {
    fileprivate var words: String {
        switch self {
        case .nameOfPath: "its name, which came from the path of the file"
        case .derivedUUID: "the UUID that it has, which was derived from this host and the path of the file"
        case .derivedMAC: "the MAC that it has, which was derived from its UUID"
        case .boardOf2010:
            "the board that the script of 2010 ran it on, and its guest knows; kvmctl's default is \(MachineModel.q35)"
        case .boardOfToday: "the board that it has, in this QEMU's version: an upgrade does not change it"
        }
    }
}
