import SystemPackage
import VMCore
import VMLife

/// `kvmctl disk check`: what was found in a disk.
package struct DiskCheckReport: ObjectReport {
    private let disk: CheckedDisk
    private let isDryRun: Bool

    /// Reports a check.
    package init(_ disk: CheckedDisk, dryRun isDryRun: Bool) { (self.disk, self.isDryRun) = (disk, isDryRun) }

    /// A disk that was checked.
    package let schema = Schema.diskCheck

    /// What was found, and what was repaired.
    package var members: Members {
        let check = disk.check
        return [
            "name": .optional(disk.vm?.description), "device": .optional(disk.device),
            "path": .string(disk.path.string),
            "format": .string(disk.format.rawValue), "checked": .bool(check != nil),
            "damaged": check.map { .bool($0.isDamaged) } ?? .null, "errors": .optional(check?.errors),
            "leaks": .optional(check?.leaks), "errorsFixed": .optional(check?.errorsFixed),
            "leaksFixed": .optional(check?.leaksFixed), "messages": .strings(check?.messages.prefix(100) ?? []),
            "dryRun": .bool(isDryRun),
        ]
    }

    /// One line.
    package var text: [TextBlock] {
        let what = disk.vm.map { "\($0): \(disk.device ?? "\(disk.path)")" } ?? "\(disk.path)"
        guard let check = disk.check else { return ["\(what): raw, which has no structure that could be checked"] }
        return ["\(what): \(check)"]
    }

    /// What a repair is good for.
    package var remarks: [String] {
        guard let check = disk.check else { return [] }
        return unchecked + notes(check) + (disk.unseen.map { [$0.summary] } ?? [])
    }

    /// What it stands on and that has a structure, too.
    private var unchecked: [String] {
        disk.below.filter { $0.found != nil && $0.format == DiskFormat.qcow2.rawValue && !$0.isAbove }.map { layer in
            "\(disk.path) stands on \(layer.name), which was not checked: \(command: "kvmctl disk check \(layer.name)")"
        }
            + disk.below.compactMap(\.obstacle).map {
                "\(disk.path) stands on what could not be looked at: \($0.summary)"
            }
    }

    private func notes(_ check: QCOW2Check) -> [String] {
        if isDryRun, check.errors + check.leaks > 0 { return ["\(disk.path): nothing was repaired: --dry-run"] }
        guard check.leaks > 0, !check.isDamaged, !disk.isRepaired else { return [] }
        return ["\(disk.path): unused clusters do no harm; --repair frees them"]
    }
}
