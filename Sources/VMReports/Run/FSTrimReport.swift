import VMCore

extension DeedReport {
    /// `kvmctl fstrim`: what became of each of a guest's file systems; nil: it is a dry run.
    package static func trim(_ name: VMName, _ trims: [FileSystemTrim]?, problem: VMError? = nil) -> DeedReport {
        let each = trims?.map { trim -> JSON in
            ["path": .string(trim.path), "trimmed": .optional(trim.size?.bytes), "error": .optional(trim.error)]
        }
        let (done, sizes) = (trims?.count { $0.error == nil }, trims?.compactMap(\.size) ?? [])
        let size = sizes.isEmpty ? "" : ", \(sizes.reduce(ByteCount(bytes: 0), +))"
        let result = done.map { "\($0) file system\($0 == 1 ? "" : "s") trimmed\(size)" }
        return DeedReport(
            .fstrim, name, dryRun: trims == nil, result ?? "would be trimmed",
            ["fileSystems": each.map(JSON.array) ?? .null], problem: problem)
    }
}
