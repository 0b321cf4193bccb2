import SystemPackage

/// What a running machine has, as QEMU itself reports it: what was planned, what was plugged since, and what a kvmctl that
/// was killed on the way has left.
package struct RunningHardware: Equatable, Sendable {
    /// The ids of the devices.
    package var devices: Set<String>
    /// The ids of the objects that serve devices.
    package var objects: Set<String>
    /// The block nodes.
    package var nodes: [Node]
    /// The CD drives.
    package var drives: [Drive]
    /// The descriptor sets.
    package var sets: [LentSet]
    /// The devices behind each bridge of the root bus.
    package var bridges: [String: [String]]

    /// Collects what QEMU said; see the properties.
    package init(
        devices: [String] = [], objects: [String] = [], nodes: [Node] = [], drives: [Drive] = [],
        sets: [LentSet] = [], bridges: [String: [String]] = [:]
    ) {
        self.devices = Set(devices)
        self.objects = Set(objects)
        self.nodes = nodes
        self.drives = drives
        self.sets = sets
        self.bridges = bridges
    }

    /// A block node (`BlockDeviceInfo`).
    package struct Node: Equatable, Sendable {
        /// Its name.
        package var name: String
        /// The descriptor set that it is on, if it holds the bytes itself.
        package var set: CInt?
        /// How large the guest sees it.
        package var size: ByteCount

        /// Describes a node; see the properties.
        package init(name: String, set: CInt?, size: ByteCount) {
            (self.name, self.set, self.size) = (name, set, size)
        }

        init?(_ json: JSON) {
            guard let name = json["node-name"]?.string, let size = json["image"]?["virtual-size"]?.integer, size >= 0
            else { return nil }
            let path = json["file"]?.string
            self.init(
                name: name, set: path.flatMap { DescriptorSet.number(ofPath: $0) }, size: ByteCount(bytes: size))
        }
    }

    /// A CD drive (`BlockInfo`).
    package struct Drive: Equatable, Sendable {
        /// Its id.
        package var id: String
        /// Whether its tray is open.
        package var isOpen: Bool
        /// Whether the guest keeps it from being opened.
        package var isLocked: Bool
        /// The node of its medium; nil: it is empty.
        package var medium: String?

        /// Describes a drive; see the properties.
        package init(id: String, isOpen: Bool = false, isLocked: Bool = false, medium: String? = nil) {
            (self.id, self.isOpen, self.isLocked, self.medium) = (id, isOpen, isLocked, medium)
        }

        init?(_ json: JSON) {
            // A disk's medium can't be removed; some drives have no tray.
            guard json["removable"]?.bool == true, let id = json["qdev"]?.string, let isOpen = json["tray_open"]?.bool
            else { return nil }
            self.init(
                id: id, isOpen: isOpen, isLocked: json["locked"]?.bool ?? false,
                medium: json["inserted"]?["node-name"]?.string)
        }
    }

    /// A descriptor set (`FdsetInfo`).
    package struct LentSet: Equatable, Sendable {
        /// Its number.
        package var number: CInt
        /// The image or device that it holds, as the start named it; nil: QEMU was not told, or it holds no image.
        package var path: FilePath?

        /// Describes a set; see the properties.
        package init(number: CInt, path: FilePath?) { (self.number, self.path) = (number, path) }

        init?(_ json: JSON) {
            guard let number = json["fdset-id"]?.integer.flatMap({ CInt(exactly: $0) }) else { return nil }
            self.init(number: number, path: json["fds"]?.array?.first?["opaque"]?.absolutePath)
        }
    }
}

// What can be worked out from it.
extension RunningHardware {
    /// The set numbers from here on are those of what was plugged; those of a start count up from 0.
    private static let firstPlugged: CInt = 1000

    /// From here on, no set has the number.
    package var freeNumber: CInt {
        // What QEMU says must not be able to overflow it.
        let plugged = sets.map(\.number).filter { (Self.firstPlugged..<1 << 24).contains($0) }
        return plugged.max().map { $0 + 1 } ?? Self.firstPlugged
    }

    /// Where another device can be plugged: a root port with nothing behind it, or the root bus of a `pc`.
    ///
    /// - Throws: `.unavailable` if each port has a device.
    package func place(in name: VMName) throws(VMError) -> Device.Place {
        let ports = bridges.keys.filter { $0.hasPrefix("port") }.sorted()
        guard !ports.isEmpty else { return .bus("pci.0") }
        guard let free = ports.first(where: { bridges[$0]?.isEmpty == true }) else {
            throw VMError(
                .unavailable, name.description, "each of the \(ports.count) slots for plugged devices has one",
                remedy: "detach one of them; or change the file alone, with --config, and restart the VM")
        }
        return .bus(free)
    }

    /// Whether a device can be unplugged while the machine runs: those of a q35 that were there at start can't.
    package func canUnplug(_ device: String) -> Bool {
        !bridges.keys.contains { $0.hasPrefix("port") } || bridges.values.contains { $0.contains(device) }
    }

    /// The uppermost node of a disk.
    package func disk(_ id: String) -> Node? {
        ["\(id)-throttle", "\(id)-format"].lazy.compactMap { name in nodes.first { $0.name == name } }.first
    }

    /// The image that is behind a disk, or behind a CD drive's medium.
    ///
    /// - Parameter stem: what the names of its nodes begin with.
    package func image(of stem: String) -> FilePath? {
        let set = nodes.first { $0.name == "\(stem)-file" }?.set
        return sets.first { $0.number == set }?.path
    }

    /// The medium of a drive.
    package func medium(of drive: Drive) -> FilePath? { drive.stem.flatMap { image(of: $0) } }

    /// The disk that has an image; nil if none has.
    package func disk(with image: FilePath) -> String? {
        devices.filter { $0.hasPrefix("disk") }.sorted().first { self.image(of: $0) == image }
    }

    /// Every image that it has open, by the descriptor's numbers; nil if QEMU was not told what its descriptors are, as
    /// by an earlier version of kvmctl.
    package var media: [FilePath]? {
        let used = sets.filter { set in nodes.contains { $0.set == set.number && !$0.isOfSeed } }
        let paths = used.compactMap(\.path)
        return paths.count == used.count ? paths : nil
    }

    /// What the names of the nodes of a layer below a disk begin with. Numbered, as a node's name has at most 31 bytes.
    static func backing(of stem: String, _ level: Int) -> String {
        "\(stem)\(backingMark)\(level == 0 ? "" : "\(level + 1)")"
    }

    private static let backingMark = "-backing"

    /// The disk that a layer is below, by what the names of its nodes begin with; nil: it is no layer.
    private static func diskAbove(_ stem: String) -> String? {
        stem.firstRange(of: backingMark).map { String(stem[..<$0.lowerBound]) }
    }

    /// What the names of the overlays of a disk end with, from the uppermost on.
    private static let overlaySuffixes = ["-scratch", "-frozen"]

    /// The disk that an overlay takes the writes of, by what the names of its nodes begin with; another stem as it is.
    private static func disk(below stem: String) -> String {
        overlaySuffixes.first(where: stem.hasSuffix).map { String(stem.dropLast($0.count)) } ?? stem
    }

    /// What removes the nodes, limits and descriptors of a disk or a medium, once no device has them.
    package func removal(of stem: String) -> [QMPRequest<Void>] {
        let names = nodes.map(\.name)
        var requests: [QMPRequest<Void>] = []
        if names.contains("\(stem)-throttle") { requests.append(.removeNode("\(stem)-throttle")) }
        if objects.contains("\(stem)-limits") { requests.append(.removeObject("\(stem)-limits")) }
        // QEMU removes none that another stands on.
        let overlays = Self.overlaySuffixes.map { "\(stem)\($0)" }.filter { names.contains("\($0)-file") }
        requests += overlays.flatMap { removal(of: $0) }
        requests += ["\(stem)-format", "\(stem)-file"].filter(names.contains).map { .removeNode($0) }
        if let set = nodes.first(where: { $0.name == "\(stem)-file" })?.set { requests.append(.closeSet(set)) }
        let layers = (0..<BackingList.longest).map { Self.backing(of: stem, $0) }
        return requests + layers.prefix { names.contains("\($0)-file") }.flatMap { removal(of: $0) }
    }

    /// What a change that was interrupted has left: nodes whose device is gone, or was never plugged, and descriptors that
    /// nothing uses.
    package var leftovers: [QMPRequest<Void>] {
        let media = Set(drives.compactMap(\.stem))
        var stems: [String] = []
        for node in nodes where node.name.hasSuffix("-file") {
            // The overlays of a disk whose writes are discarded go with it.
            let stem = Self.disk(below: String(node.name.dropLast(5)))
            if !stems.contains(stem) { stems.append(stem) }
        }
        // Of a drive, its medium counts: at start both have one name.
        let unused = stems.filter { stem in
            // A layer goes with its disk.
            if let disk = Self.diskAbove(stem), stems.contains(disk) { return false }
            return !media.contains(stem) && (!devices.contains(stem) || drives.contains { $0.id == stem })
        }
        let bare = sets.filter { set in
            set.number >= Self.firstPlugged && !nodes.contains { $0.set == set.number }
        }
        // Of layers without a disk the uppermost goes first: it has the one below it.
        let layers = unused.filter { Self.diskAbove($0) != nil }.sorted { ($0.count, $0) < ($1.count, $1) }
        let others = unused.filter { Self.diskAbove($0) == nil }
        return (others + layers).flatMap { removal(of: $0) } + bare.map { .closeSet($0.number) }
    }
}

extension RunningHardware.Drive {
    /// What the names of its medium's nodes begin with.
    package var stem: String? {
        medium.flatMap { $0.hasSuffix("-format") ? String($0.dropLast("-format".count)) : nil }
    }

    /// The key of vm.params that it is from; nil for the drive of `start --cdrom`.
    package var key: KeyName? {
        guard id.hasPrefix("cdrom"), let index = Int(id.dropFirst("cdrom".count)) else { return nil }
        return KeyName(.cdrom, index)
    }

    /// As people call it.
    package var title: String { key?.description ?? "the drive of --cdrom" }
}
