import VMCore

/// `kvmctl fstrim`: what became of a guest's file systems, or would.
package struct FSTrimReport: ObjectReport {
    /// A trim.
    package let schema = Schema.fstrim
    /// What became of each file system.
    package let members: Members
    /// One line.
    package let text: [TextBlock]

    /// Reports a trim; nil: it is a dry run.
    package init(_ name: VMName, _ trims: [FileSystemTrim]?) {
        let each = trims?.map { trim -> JSON in
            ["path": .string(trim.path), "trimmed": .optional(trim.size?.bytes), "error": .optional(trim.error)]
        }
        members = [
            "dryRun": .bool(trims == nil), "name": .string(name.description),
            "fileSystems": each.map(JSON.array) ?? .null,
        ]
        let (done, sizes) = (trims?.count { $0.error == nil }, trims?.compactMap(\.size) ?? [])
        let size = sizes.isEmpty ? "" : ", \(sizes.reduce(ByteCount(bytes: 0), +))"
        let result = done.map { "\($0) file system\($0 == 1 ? "" : "s") trimmed\(size)" }
        text = ["\(name): \(result ?? "would be trimmed")"]
    }
}
