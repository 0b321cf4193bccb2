import SystemPackage

/// The name of an image in a directory of images: letters, digits, `._-`, at most 64, as a VM's.
package struct ImageName: Hashable, Sendable, CustomStringConvertible {
    /// The name itself.
    package let description: String

    /// nil if the text is not a valid name.
    package init?(_ text: some StringProtocol) {
        guard let name = VMName(text), !text.hasPrefix(".") else { return nil }
        description = name.description
    }

    /// The name that an image's file gives it: without what says how it is packed and in which format; nil if nothing valid
    /// is left.
    package init?(ofFile file: FilePath) {
        guard var name = file.lastComponent?.string else { return nil }
        for packing in Packing.allCases where name.hasSuffix(packing.suffix) { name.removeLast(packing.suffix.count) }
        for suffix in Self.suffixes where name.hasSuffix(suffix) { name.removeLast(suffix.count) }
        self.init(name)
    }

    /// The name of the image that a file in such a directory is; nil: it is none.
    package init?(inLibrary file: String) {
        guard let suffix = Self.suffixes.first(where: { file.hasSuffix($0) }) else { return nil }
        self.init(file.dropLast(suffix.count))
    }

    private static let suffixes = [".qcow2", ".raw", ".img"]

    /// The name of its file.
    package func file(_ format: DiskFormat) -> String { "\(self).\(format.rawValue)" }
}
