import SystemPackage
import VMCore
import VMHost

/// A warm image as `warm list` tells of it.
package struct WarmImage: Sendable {
    package var name: VMName
    package var path: FilePath
    /// What it was made from; nil: this kvmctl can't read that.
    package var model: String?
    /// When it was made, in seconds since the epoch.
    package var made: Int64?
    package var used: Moment?
    package var size: ByteCount
    /// Whether a run uses it.
    package var isUsed = false

    package init(name: VMName, path: FilePath, size: ByteCount) {
        (self.name, self.path, self.size) = (name, path, size)
    }
}

/// The warm images of a site.
package struct WarmCache {
    private let site: Site

    package init(_ site: Site) { self.site = site }

    /// How long a removal waits for those that are about to start from an image.
    private static let patience = Duration.seconds(10)

    /// All of them, the one that was used last first.
    package func all() throws(VMError) -> [WarmImage] {
        var images: [WarmImage] = []
        for name in try WarmDirectory.all(in: site.paths).whole {
            images.append(try image(WarmDirectory(name, in: site.paths)))
        }
        return images.sorted { ($0.used?.microseconds ?? 0) > ($1.used?.microseconds ?? 0) }
    }

    /// An image.
    func image(_ directory: WarmDirectory) throws(VMError) -> WarmImage {
        let record = try directory.readRecord()
        var image = WarmImage(name: directory.name, path: directory.path, size: try directory.allocated())
        (image.model, image.made, image.used) = (record?.model, record?.made, directory.used)
        image.isUsed = try directory.isUsed()
        return image
    }

    /// Removes an image. Runs that have started from it go on.
    ///
    /// - Returns: what it was.
    package func remove(_ name: VMName, isDryRun: Bool) throws(VMError) -> WarmImage {
        let directory = WarmDirectory(name, in: site.paths)
        guard try directory.exists() else {
            throw VMError(
                .notFound, name.description, "there is no warm image of that name",
                remedy: "\(command: "kvmctl warm list") lists them")
        }
        let found = try image(directory)
        if isDryRun { return found }
        var lock = try directory.openLock()
        let deadline = Deadline(in: Self.patience)
        while try !lock.tryTake() || !lock.isStillThere() {
            guard !deadline.hasPassed else {
                throw VMError(.busy, name.description, "another command is making or opening it", remedy: "try again")
            }
            if !lock.isStillThere() { lock = try directory.openLock() }
            pause(.milliseconds(20))
        }
        try directory.remove()
        lock.remove()
        return found
    }

    /// Removes what killed commands have left of images that they were making.
    package func sweepHalves() throws(VMError) {
        for name in try WarmDirectory.all(in: site.paths).halves {
            let directory = WarmDirectory(name, in: site.paths)
            let lock = try directory.openLock()
            guard try lock.tryTake(), lock.isStillThere() else { continue }
            try directory.removeHalf()
            if try !directory.exists() { lock.remove() }
        }
    }

    /// Removes the images that were not used for longest, until the rest takes no more than the setting allows. One that is
    /// used stays.
    package func trim() throws(VMError) {
        let bound = site.settings.warmCache
        var rest = try all()
        var total = rest.reduce(0) { $0 + $1.size.bytes }
        while total > bound.bytes, let oldest = rest.popLast() {
            let directory = WarmDirectory(oldest.name, in: site.paths)
            let lock = try directory.openLock()
            guard try !directory.isUsed(), try lock.tryTake(), lock.isStillThere() else { continue }
            try directory.remove()
            lock.remove()
            total -= oldest.size.bytes
        }
    }
}
