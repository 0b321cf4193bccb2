import SystemPackage

/// The lines of vm.params that describe one device: those that it gets, and those that go with it.
extension VMParams {
    /// What a file with these lines alone says.
    ///
    /// - Parameters:
    ///   - name: The VM's, which the directory's may not be.
    ///   - file: Where the lines will be, which relative paths are relative to.
    /// - Throws: `.usage`, for the words that the lines come from are from a command line.
    package static func of(_ lines: [ParamsLine], name: VMName, file: FilePath) throws(VMError) -> VMParams {
        let text = ([ParamsLine(KeyName(.name), name.description)] + lines).map { "\($0)\n" }.joined()
        let parsed = parse(Array(text.utf8), file: file)
        if let params = parsed.params { return params }
        throw VMError(
            .usage, file.string, "these options don't make a valid device",
            details: parsed.diagnostics.map { [$0.message + ".", $0.hint].compactMap(\.self).joined(separator: " ") })
    }
}

extension KeyName {
    /// The key and all others that describe the same thing: `DISK1`, `DISK1_SIZE`, ….
    package var family: [KeyName] {
        let others = ParamsSchema.entries.filter { $0.needs == key }.map { KeyName($0.key, index) }
        return [self] + others
    }

    /// What QEMU calls the device of this key; nil if there is none.
    package var deviceID: String? {
        switch (key, index) {
        case (.disk, let index?): "disk\(index)"
        case (.net, let index?): "nic\(index)"
        case (.cdrom, let index?): "cdrom\(index)"
        default: nil
        }
    }
}
