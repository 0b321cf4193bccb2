import SystemPackage

/// `SHAREn`: a directory of the host that the guest can mount by its tag.
package struct SharedDirectory: Hashable, Sendable, CustomStringConvertible {
    /// The directory, absolute.
    package var path: FilePath
    /// What the guest calls it.
    package var tag: String
    /// Whether the guest may only read it.
    package var isReadOnly: Bool

    /// As in vm.params.
    package var description: String { "\(path):\(tag)\(isReadOnly ? ":ro" : "")" }
}

extension ParamsDecoder {
    mutating func decodeShares() -> [VMParams.Share] {
        var shares: [VMParams.Share] = []
        for index in indices(of: .share) {
            let directory = directory(of: .share, at: index)
            let share = setting(.share, at: index) { text throws(ValueFault) in try Self.share(text, in: directory) }
            guard let share else { continue }
            if let other = shares.first(where: { $0.directory.value.tag == share.value.tag }) {
                conflict(
                    .share, at: index,
                    "SHARE\(index): \(share.value.tag) is the tag of SHARE\(other.index)\(place(other.directory.origin)) too",
                    hint: "The guest tells them apart by their tags: write another one.")
            }
            shares.append(VMParams.Share(index: index, directory: share))
        }
        return shares
    }

    /// `PATH:TAG`, or `PATH:TAG:ro`. Split from the right, so that a path may have colons.
    private static func share(_ text: String, in directory: String) throws(ValueFault) -> SharedDirectory {
        let form: Hint = "Write PATH:TAG, or PATH:TAG:ro, such as \(example: "/srv:srv:ro")."
        var parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let isReadOnly = parts.count > 2 && parts.last == "ro"
        if isReadOnly { parts.removeLast() }
        // As mount options say it, which would be a tag behind a path with a colon.
        if !isReadOnly, parts.count > 2, parts.last == "rw" {
            let writable = parts.dropLast().joined(separator: ":")
            throw ValueFault(
                "only :ro may follow the tag", hint: form,
                trying: ["Without :ro the guest may write: \(value: writable)."],
                range: text.utf8.count - 2..<text.utf8.count)
        }
        guard parts.count > 1, let tag = parts.popLast(), tag != "ro", parts != [""] else {
            throw ValueFault("\(Printable.quoted(text)) does not name a directory and a tag", hint: form)
        }
        // struct virtio_fs_config of virtio 1.2, 5.11.4.
        guard (1...36).contains(tag.utf8.count), tag.isPlain(and: "._-") else {
            throw ValueFault(
                "\(Printable.quoted(tag)) can't be a tag: letters, digits and '._-', at most 36", hint: form)
        }
        var name = parts.joined(separator: ":")
        while name.count > 1, name.hasSuffix("/") { name.removeLast() }
        guard name != "/" else {
            throw ValueFault("'/' is the whole host", hint: "Share a directory in it, with what the guest needs.")
        }
        let path = try ParamValue.path(name, in: directory)
        let kernels: [FilePath] = ["/proc", "/sys", "/dev"]
        guard !kernels.contains(where: { path.starts(with: $0) }) else {
            throw ValueFault(
                "\(path) is the kernel's: a guest could change the host there", hint: "Share a directory of files.")
        }
        return SharedDirectory(path: path, tag: String(tag), isReadOnly: isReadOnly)
    }
}
