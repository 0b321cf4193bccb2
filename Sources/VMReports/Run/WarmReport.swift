import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl warm`, `warm rm`: what was done with a warm image, or would be.
package struct WarmReport: ObjectReport {
    /// A warm image.
    package let schema = Schema.warm
    package let members: Members
    package let text: [TextBlock]

    /// Reports that an image is there.
    ///
    /// - Parameter isNew: whether it was made for this.
    package init(_ image: WarmImage, isNew: Bool) {
        members = image.members(isNew: isNew)
        text = ["\(image.name): \(isNew ? "made" : "is there already"), \(image.size.short)"]
    }

    /// Reports what would be done.
    ///
    /// - Parameter obstacle: why an image that is there can't be used; nil: it can.
    package init(_ image: WarmImage, wouldBeMade isNew: Bool, because obstacle: String?) {
        members = image.members(isDryRun: true, isNew: isNew)
        let reason = obstacle.map { " anew: \($0)" } ?? ""
        text = ["\(image.name): \(isNew ? "would be made\(reason)" : "is there already")"]
    }

    /// Reports a removal.
    package init(removed image: WarmImage, isDryRun: Bool) {
        members = image.members(isDryRun: isDryRun)
        text = ["\(isDryRun ? "would remove" : "removed") \(image.name), \(image.size.short)"]
    }
}

/// `kvmctl warm list`.
package struct WarmListReport: Report {
    private let images: [WarmImage]
    private let time: Moment

    /// Reports these images, in this order.
    package init(_ images: [WarmImage], at now: Moment) { (self.images, time) = (images, now) }

    /// A warm image.
    package var schema: Schema { .warm }

    /// An object for each.
    package var content: Content { .array(images.map { $0.members() }) }

    /// A row for each.
    package var text: [TextBlock] {
        var table = Table("NAME", "SIZE", "AGE", "LAST USE", "MODEL")
        for image in images {
            table.add(
                image.name.description, image.size.short, image.made.map { age($0) } ?? "-",
                image.isUsed ? "now" : image.used.map { age($0.microseconds / 1_000_000) } ?? "-", image.model ?? "-")
        }
        return [.table(table)]
    }

    private func age(_ seconds: Int64) -> String {
        Duration.seconds(max(0, time.microseconds / 1_000_000 - seconds)).short
    }
}

extension WarmImage {
    fileprivate func members(isDryRun: Bool = false, isNew: Bool? = nil) -> Members {
        [
            "name": .string(name.description), "path": .string(path.string), "model": .optional(model),
            "size": .int(size.bytes), "made": .optional(made.map { Moment(microseconds: $0 * 1_000_000).utc }),
            "lastUse": .optional(used?.utc), "inUse": .bool(isUsed), "new": isNew.map(JSON.bool) ?? .null,
            "dryRun": .bool(isDryRun),
        ]
    }
}
