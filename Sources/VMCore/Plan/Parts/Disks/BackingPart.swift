import SystemPackage

extension LaunchPlanner {
    /// `DISKn_BACKING`: the nodes of the image below an overlay, which is opened because the params file names it, never on
    /// a header's word. nil if it can't be used.
    mutating func addBacking(_ base: Setting<FilePath>, of disk: VMParams.Disk) -> BlockNode? {
        guard let found = existing(base) else { return nil }
        var format = DiskFormat.raw
        if case .image(let image) = found {
            guard let known = formatOfBacking(base, image, disk) else { return nil }
            format = known
        }
        let image = found.usable
        let cache = Setting(
            image.directIO ? CacheMode.none : .writeback,
            .host(image.directIO ? "the file system does direct I/O" : "the file system does no direct I/O"))
        let set = fdset(
            .image(base.value, writable: false, direct: cache.value == .none), purpose: "\(base.value)",
            from: base.origin)
        let file = addFileNode(
            disk.backingID, in: set, isBlockDevice: image.isBlockDevice, cache: cache, isReadOnly: true,
            from: base.origin)
        let node = BlockNode.backing(disk, format, on: file)
        add(.node(node), purpose: "what the disk is an overlay of", from: base.origin)
        return node
    }

    /// What it is. No guest writes to it, so its first bytes can be taken at their word, as long as they name no other file.
    private mutating func formatOfBacking(
        _ base: Setting<FilePath>, _ image: ImageFacts.Image, _ disk: VMParams.Disk
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
        case .raw: return .raw
        case .qcow2(nil):
            guard let fault = image.qcow2?.fault else { return .qcow2 }
            refuse(.badData, place(base.origin), "\(path) \(fault)", .file(path, .content))
        case .qcow2(let outside?):
            refuse(
                .unavailable, place(base.origin),
                "\(path) is partly stored in another file, \(outside), and kvmctl opens one overlay of one image",
                .file(path, .content), remedy: "make one image of both: qemu-img convert -O qcow2")
        case .other(let name):
            refuse(
                .unavailable, place(base.origin), "\(path) looks like a \(name) image, which kvmctl does not open",
                .file(path, .content), remedy: "convert it with qemu-img convert -O qcow2")
        }
        return nil
    }

    /// Whether an image is an overlay, as its key says.
    ///
    /// - Parameter outside: the file that its header names.
    mutating func isOverlay(_ disk: VMParams.Disk, of outside: String?, _ image: ImageFacts.Image) -> Bool {
        let path = disk.path.value
        guard let backing = disk.backing else { return false }
        if image.qcow2?.hasDataFile == true {
            refuse(
                .unavailable, place(disk.path.origin),
                "\(path) has its data in another file, which kvmctl does not open",
                .file(path, .content), remedy: "make one image of both: qemu-img convert -O qcow2")
            return false
        }
        guard let outside else {
            refuse(
                .badData, place(backing.origin), "\(path) is no overlay: its header names no backing file",
                .file(path, .content), remedy: "remove the line")
            return false
        }
        if !ImageReference.files(outside, in: path).contains(where: { $0.lexicallyNormalized() == backing.value }) {
            plan.notices.append(
                "\(place(backing.origin)): the header of \(path) says that it is an overlay of \(Printable.quoted(outside)): "
                    + "over another content it would be damaged")
        }
        return true
    }
}
