import SystemPackage

extension ParamsDecoder {
    /// `DISKn_BACKING`: the files below an overlay, the nearest first.
    mutating func decodeBacking(of index: Int) -> [Setting<FilePath>] {
        let directory = directory(of: .diskBacking, at: index)
        let paths = setting(.diskBacking, at: index) { text throws(ValueFault) in
            try Self.backing(text, in: directory)
        }
        return paths.map { list in list.value.map { Setting($0, list.origin) } } ?? []
    }

    /// - Parameter directory: what relative paths are relative to.
    private static func backing(_ text: String, in directory: String) throws(ValueFault) -> [FilePath] {
        // A URL has a colon too.
        if text.contains("://") { _ = try ParamValue.path(text, in: directory) }
        var paths: [FilePath] = []
        for part in text.split(separator: BackingList.separator, omittingEmptySubsequences: false) {
            guard !part.isEmpty else {
                throw ValueFault(
                    "there is no path before, after or between colons",
                    hint: "Write the nearest image first, and a colon between two: \(example: "web.qcow2:base.qcow2").")
            }
            let path = try ParamValue.path(String(part), in: directory)
            guard !paths.contains(path) else {
                throw ValueFault(
                    "\(Printable.quoted(part)) is named twice: an image can't stand on itself",
                    hint: "Name each image once, the nearest first.")
            }
            paths.append(path)
        }
        guard paths.count <= BackingList.longest else {
            throw ValueFault(
                "these are \(paths.count) images, and \(BackingList.longest) are the most",
                hint: "Make one image of some of them: qemu-img convert -O qcow2.")
        }
        return paths
    }
}

/// The value of `DISKn_BACKING`.
package enum BackingList {
    /// What is between two paths, which therefore can't have it.
    package static let separator: Character = ":"
    /// The most images that a disk stands on: each takes descriptors and time at every start.
    package static let longest = 16

    /// The value that names these files; nil if one of them can't be named.
    package static func text(_ paths: [FilePath]) -> String? {
        let words = paths.map(\.string)
        return words.contains { $0.contains(separator) } ? nil : words.joined(separator: String(separator))
    }
}
