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
        return notes(check) + (disk.unseen.map { [$0.summary] } ?? [])
    }

    private func notes(_ check: QCOW2Check) -> [String] {
        if isDryRun, check.errors + check.leaks > 0 { return ["\(disk.path): nothing was repaired: --dry-run"] }
        guard check.leaks > 0, !check.isDamaged, !disk.isRepaired else { return [] }
        return ["\(disk.path): unused clusters do no harm; --repair frees them"]
    }
}
