import SystemPackage

/// An image below an overlay, which is opened because the params file names it, never on a header's word.
struct BackingLayer {
    var path: Setting<FilePath>
    var format: DiskFormat
    var image: UsableImage
}

extension LaunchPlanner {
    /// `DISKn_BACKING`: what a disk stands on, the nearest first; empty: it is no overlay. nil if it can't be used.
    mutating func layers(below disk: VMParams.Disk) -> [BackingLayer]? {
        var layers: [BackingLayer] = []
        for (level, path) in disk.backing.enumerated() {
            guard let found = existing(path) else { return nil }
            let below = level + 1 < disk.backing.count ? disk.backing[level + 1].value : nil
            if let other = other(than: level, of: disk) {
                refuse(
                    .badData, place(path.origin), "\(path.value) is the same file as \(other), which stands on it",
                    .file(path.value, .usedTwice), remedy: "name each image once, the nearest first")
                return nil
            }
            var format: DiskFormat = below == nil ? .raw : .qcow2
            if case .image(let image) = found {
                guard let known = formatOfLayer(path, image, over: below) else { return nil }
                format = known
            }
            layers.append(BackingLayer(path: path, format: format, image: found.usable))
        }
        plan.notices += LateBase.all(below: [disk], facts.images).map { late in
            "\(place(late.origin)): \(late.cause); \(late.advice)"
        }
        return layers
    }

    /// The nodes of what a disk stands on, each over the one below it.
    ///
    /// - Returns: the uppermost; nil: it stands on nothing.
    mutating func addBacking(_ layers: [BackingLayer], of disk: VMParams.Disk) -> BlockNode? {
        var below: BlockNode?
        for (level, layer) in layers.enumerated().reversed() {
            let direct = layer.image.directIO
            let cache = Setting(
                direct ? CacheMode.none : .writeback,
                .host(direct ? "the file system does direct I/O" : "the file system does no direct I/O"))
            let (path, origin) = (layer.path.value, layer.path.origin)
            let set = fdset(.image(path, writable: false, direct: direct), purpose: "\(path)", from: origin)
            let file = addFileNode(
                disk.backingID(level), in: set, isBlockDevice: layer.image.isBlockDevice, cache: cache,
                isReadOnly: true, from: origin)
            let node = BlockNode.backing(disk, level: level, layer.format, on: file, over: below)
            let purpose =
                level == 0 ? "what the disk is an overlay of" : "what \(layers[level - 1].path.value) stands on"
            add(.node(node), purpose: purpose, from: origin)
            below = node
        }
        return below
    }

    /// The path, among the disk and its layers above, of a file that is this layer too.
    private func other(than level: Int, of disk: VMParams.Disk) -> FilePath? {
        guard let place = facts.images[disk.backing[level].value]?.place else { return nil }
        let above = [disk.path.value] + disk.backing[..<level].map(\.value)
        return above.first { facts.images[$0]?.place == place }
    }

    /// What a layer is. No guest writes to it, so its first bytes can be taken at their word, as long as the file below it is
    /// the one that the params file names.
    ///
    /// - Parameter below: that file; nil: there is none.
    private mutating func formatOfLayer(
        _ base: Setting<FilePath>, _ image: ImageFacts.Image, over below: FilePath?
    ) -> DiskFormat? {
        let path = base.value
        if image.isChangedSinceSummed {
            refuse(
                .badData, place(base.origin),
                "\(path) was written to after its sum was written down, and its overlays may be damaged",
                .file(path, .content),
                remedy: "\(command: "kvmctl image verify \(path)") says whether its content is another")
            return nil
        }
        switch image.content {
        case .raw:
            guard let below else { return .raw }
            refuseNoOverlay(base, below)
        case .qcow2(let outside):
            if let fault = image.qcow2?.fault {
                refuse(.badData, place(base.origin), "\(path) \(fault)", .file(path, .content))
            } else if hasWhole(base, image, outside, over: below) {
                return .qcow2
            }
        case .other(let name):
            refuse(
                .unavailable, place(base.origin), "\(path) looks like a \(name) image, which kvmctl does not open",
                .file(path, .content), remedy: "convert it with qemu-img convert -O qcow2")
        }
        return nil
    }

    private mutating func refuseNoOverlay(_ base: Setting<FilePath>, _ below: FilePath) {
        refuse(
            .badData, place(base.origin), "\(base.value) is not an overlay, and so stands on nothing, not on \(below)",
            .file(base.value, .content), remedy: "remove what follows it in that line")
    }

    /// Whether a qcow2 image stands on what the params file says, or on nothing.
    ///
    /// - Parameter outside: the file that its header names.
    private mutating func hasWhole(
        _ base: Setting<FilePath>, _ image: ImageFacts.Image, _ outside: String?, over below: FilePath?
    ) -> Bool {
        let path = base.value
        if image.qcow2?.hasDataFile == true {
            refuseDataFile(path, at: base.origin)
            return false
        }
        switch (outside, below) {
        case (nil, nil): return true
        case (nil, let below?):
            refuseNoOverlay(base, below)
            return false
        case (let outside?, nil):
            refuse(
                .badData, place(base.origin),
                "\(path) stands on another image, \(Printable.quoted(outside)) by its header, and the line ends before it",
                .file(path, .content),
                remedy:
                    "if that is so, add a colon and the path of that image; else make one image of both: qemu-img convert"
            )
            return false
        case (let outside?, let below?):
            noteHeader(path, outside, below, at: base.origin)
            return true
        }
    }

    private mutating func refuseDataFile(_ path: FilePath, at origin: Origin) {
        refuse(
            .unavailable, place(origin), "\(path) has its data in another file, which kvmctl does not open",
            .file(path, .content), remedy: "make one image of both: qemu-img convert -O qcow2")
    }

    /// Tells of a header that names another file than the params file does.
    private mutating func noteHeader(_ path: FilePath, _ outside: String, _ below: FilePath, at origin: Origin) {
        let named = ImageReference.files(outside, in: path)
        guard !named.contains(where: { $0.lexicallyNormalized() == below }) else { return }
        plan.notices.append(
            "\(place(origin)): the header of \(path) says that it is an overlay of \(Printable.quoted(outside)): "
                + "over another content it would be damaged")
    }

    /// Whether an image is an overlay, as its key says.
    ///
    /// - Parameter outside: the file that its header names.
    mutating func isOverlay(_ disk: VMParams.Disk, of outside: String?, _ image: ImageFacts.Image) -> Bool {
        let path = disk.path.value
        guard let backing = disk.backing.first else { return false }
        if image.qcow2?.hasDataFile == true {
            refuseDataFile(path, at: disk.path.origin)
            return false
        }
        guard let outside else {
            refuse(
                .badData, place(backing.origin), "\(path) is not an overlay: its header names no backing file",
                .file(path, .content), remedy: "remove the line")
            return false
        }
        noteHeader(path, outside, backing.value, at: backing.origin)
        return true
    }
}
