import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl image import`, `verify`, `rm`: what was done with an image, or would be.
package struct ImageReport: ObjectReport {
    /// An image that has a name.
    package let schema = Schema.image
    package let members: Members
    package let text: [TextBlock]

    /// Reports an import.
    ///
    /// - Parameter sum: The sum of the new file; nil: it would be imported.
    package init(_ importing: ImageImport, sum: String?) {
        let (source, path) = (importing.source, importing.path)
        members = Self.members(
            importing.name, path, source.format, size: source.size, sum: sum, isDryRun: sum == nil)
        let size = source.size.map { ", \($0)" } ?? ""
        text =
            sum.map { ["imported \(path), \(source.format.rawValue)\(size)", "SHA-256 \($0)"] }
            ?? ["import \(source.path) as \(path), \(source.format.rawValue)\(size)"]
    }

    /// Reports that an image is what its sum says.
    package init(verified image: LibraryImage) {
        members = image.members(isVerified: true)
        text = ["\(image.name): is what was imported"]
    }

    /// Reports a removal.
    package init(removed image: LibraryImage, isDryRun: Bool) {
        members = image.members(isDryRun: isDryRun)
        text = ["\(isDryRun ? "would remove" : "removed") \(image.path)"]
    }

    fileprivate static func members(
        _ name: ImageName, _ path: FilePath, _ format: DiskFormat?, size: ByteCount?, allocated: ByteCount? = nil,
        sum: String?, users: [VMName] = [], isVerified: Bool? = nil, isDryRun: Bool = false
    ) -> Members {
        [
            "name": .string(name.description), "path": .string(path.string), "format": .optional(format?.rawValue),
            "size": size.map { .int($0.bytes) } ?? .null, "allocated": allocated.map { .int($0.bytes) } ?? .null,
            "sha256": .optional(sum), "changed": .bool(false), "vms": .strings(users),
            "verified": isVerified.map(JSON.bool) ?? .null,
            "dryRun": .bool(isDryRun),
        ]
    }
}

/// `kvmctl image list`: every image that has a name.
package struct ImageListReport: Report {
    private let images: [LibraryImage]

    /// Reports these images, in this order.
    package init(_ images: [LibraryImage]) { self.images = images }

    /// An image that has a name.
    package var schema: Schema { .image }

    /// An object for each.
    package var content: Content { .array(images.map { $0.members() }) }

    /// A row for each.
    package var text: [TextBlock] {
        var table = Table("NAME", "FORMAT", "SIZE", "ON DISK", "SHA-256", "VMS")
        for image in images {
            table.add(
                image.name.description, image.format?.rawValue ?? "-", image.size?.short ?? "-", image.allocated.short,
                image.sum.map { image.isChanged ? "changed" : "\($0.prefix(12))" } ?? "-",
                image.users.isEmpty ? "-" : image.users.map(\.description).joined(separator: ","))
        }
        return [.table(table)]
    }

    /// Images that can't be used, and why.
    package var remarks: [String] {
        let changed = images.filter(\.isChanged).map { image in
            "\(image.name): was written to after its sum was written down; "
                + "\(command: "kvmctl image verify \(image.name)") compares it"
        }
        return images.compactMap { $0.fault?.summary } + changed
    }
}

extension LibraryImage {
    fileprivate func members(isVerified: Bool? = nil, isDryRun: Bool = false) -> Members {
        var members = ImageReport.members(
            name, path, format, size: size, allocated: allocated, sum: sum, users: users, isVerified: isVerified,
            isDryRun: isDryRun)
        members["changed"] = .bool(isChanged)
        if let fault { members["error"] = ["code": .int(fault.code.exitCode), "message": .string(fault.description)] }
        return members
    }
}
