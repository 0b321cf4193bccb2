import SystemPackage
import VMCore
import VMLife

/// `kvmctl disk create`: a new image, or one that would be made.
package struct DiskCreateReport: ObjectReport {
    /// A new image.
    package let schema = Schema.diskCreate
    /// What it is.
    package let members: Members
    /// One line.
    package let text: [TextBlock]

    /// Reports a creation.
    ///
    /// - Parameter backing: what it stands on, the nearest first.
    package init(
        _ path: FilePath, _ format: DiskFormat, size: ByteCount, backing: [FilePath], isPreallocated: Bool, dryRun: Bool
    ) {
        members = [
            "path": .string(path.string), "format": .string(format.rawValue), "size": .int(size.bytes),
            "backing": .strings(backing.map(\.string)), "preallocated": .bool(isPreallocated), "dryRun": .bool(dryRun),
        ]
        let over = backing.first.map { " over \($0)" } ?? ""
        text = ["\(path): \(dryRun ? "would be created" : "created"), \(format.rawValue), \(size)\(over)"]
    }
}
