import SystemPackage

/// Cached results of probing. They only save time, and are safe to delete.
package struct ProbeCache {
    let directory: FilePath
    /// Whether results may be written: a dry run leaves no trace.
    var keeps = true

    package init(directory: FilePath, keeps: Bool = true) {
        self.directory = directory
        self.keeps = keeps
    }

    func read(_ key: String) -> [UInt8]? { try? readFile(directory.appending(key)) }

    /// - Parameter family: the prefix of the keys that this one replaces.
    func write(_ key: String, _ bytes: [UInt8], replacing family: String? = nil) {
        guard keeps, !RemoteMounts.isSilent(directory) else { return }
        // A cache that can't be written is no error.
        try? makeDirectories(directory, permissions: 0o755)
        try? replaceFile(directory.appending(key), with: bytes, permissions: 0o644)
        guard let family, let all = try? names(in: directory) else { return }
        for old in all where old.hasPrefix(family) && old != key { removeFile(directory.appending(old)) }
    }
}
