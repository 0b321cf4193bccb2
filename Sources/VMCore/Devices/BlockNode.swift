/// A node of QEMU's block layer, with the nodes that it stands on: `-blockdev` when the machine starts, `blockdev-add` when
/// it runs (QEMU, qapi/block-core).
///
/// Each node is described by itself, and names those below it: `components` lists the whole tree.
package struct BlockNode: Equatable, Sendable {
    /// What a node does.
    package indirect enum Driver: Equatable, Sendable {
        /// Holds the bytes: a regular file or a block device, opened for QEMU.
        case file(DescriptorSet, isBlockDevice: Bool, cache: CacheMode, aio: AsynchronousIO)
        /// Gives the bytes as they are.
        case raw(BlockNode)
        /// Reads them as a qcow2 image. A backing file is never opened on the header's word, only where one is named here.
        case qcow2(BlockNode, backing: BlockNode?)
        /// Limits how fast they come.
        case throttle(BlockNode, ThrottleGroup)
    }

    /// How QEMU reads and writes without waiting.
    package enum AsynchronousIO: Sendable {
        case threads
        case ioUring
    }

    /// Its node name, at most 31 bytes.
    package var name: String
    /// What it does.
    package var driver: Driver
    /// Whether it refuses writes, which it has to where the node below does. nil: QEMU's default, no.
    package var isReadOnly: Bool?
    /// Whether what the guest discards is given back to the host, and zeros that it writes too.
    package var discards = false

    /// The value of `-blockdev`: JSON, so that no path can hold an option.
    package var argument: String { JSON.object(properties).text }

    /// The command that makes this node of those below.
    package var plugged: QMPCommand { QMPCommand("blockdev-add", properties) }

    /// The command that removes this node, once nothing uses it.
    package var unplugged: QMPCommand { QMPCommand("blockdev-del", ["node-name": .string(name)]) }

    private var properties: [String: JSON] {
        var members: [String: JSON] = ["node-name": .string(name)]
        if let isReadOnly { members["read-only"] = .bool(isReadOnly) }
        if discards { members["discard"] = "unmap" }
        switch driver {
        case .file(let set, let isBlockDevice, let cache, let aio):
            members["driver"] = isBlockDevice ? "host_device" : "file"
            members["filename"] = .string(set.path)
            members["aio"] = aio == .ioUring ? "io_uring" : "threads"
            members["cache"] = ["direct": .bool(cache.isDirect), "no-flush": .bool(cache == .unsafe)]
        case .raw(let file):
            members["driver"] = "raw"
            members["file"] = .string(file.name)
        case .qcow2(let file, let backing):
            members["driver"] = "qcow2"
            members["file"] = .string(file.name)
            members["backing"] = backing.map { .string($0.name) } ?? .null
        case .throttle(let file, let group):
            members["driver"] = "throttle"
            members["file"] = .string(file.name)
            members["throttle-group"] = .string(group.id)
        }
        if detectsZeroes { members["detect-zeroes"] = "unmap" }
        return members
    }

    /// Zeros are looked for once, in what the guest writes.
    private var detectsZeroes: Bool {
        switch driver {
        case .raw, .qcow2: discards && isReadOnly != true
        case .file, .throttle: false
        }
    }
}

extension BlockNode {
    /// All that the tree is made of, each after what it stands on: descriptors, limits, nodes.
    package var components: [Component] {
        switch driver {
        case .file(let set, _, _, _): [.descriptors(set), .node(self)]
        case .raw(let file): file.components + [.node(self)]
        case .qcow2(let file, let backing): (backing?.components ?? []) + file.components + [.node(self)]
        case .throttle(let file, let group): file.components + [.object(.throttleGroup(group)), .node(self)]
        }
    }
}

extension CacheMode {
    /// Whether the host's page cache is bypassed (O_DIRECT).
    var isDirect: Bool { self == .none || self == .directsync }
    /// Whether the guest sees a disk with a write cache, which it has to flush.
    var deviceWriteCache: Bool { self != .writethrough && self != .directsync }
}
