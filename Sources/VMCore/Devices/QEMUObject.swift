/// An object that serves devices, and is none itself: `-object` when the machine starts, `object-add` when it runs (QEMU,
/// qapi/qom).
package enum QEMUObject: Equatable, Sendable {
    /// A thread that does disk I/O beside the processors.
    case ioThread(id: String)
    /// The host's random numbers, from getrandom(2).
    case entropySource(id: String)
    /// Limits that block nodes keep to.
    case throttleGroup(ThrottleGroup)
    /// The guest's memory, in huge pages of that size, which so many threads fetch when it is made.
    case hugePages(ByteCount, of: ByteCount, threads: Int)
    /// The guest's memory, such that another process can have it too.
    case sharedMemory(ByteCount)

    /// What QEMU calls the guest's memory.
    static let memoryID = "ram"

    /// The value of `-object`.
    package var argument: String {
        switch self {
        // Its limits are an object, which has no plain form.
        case .throttleGroup: JSON.object(properties).text
        case .ioThread, .entropySource: "\(type),id=\(id)"
        case .hugePages(let memory, let page, let threads):
            "\(type),id=\(id),size=\(memory.bytes),hugetlb=on,hugetlbsize=\(page.bytes),prealloc=on,"
                + "prealloc-threads=\(threads)"
        case .sharedMemory(let memory): "\(type),id=\(id),size=\(memory.bytes),share=on"
        }
    }

    /// The command that makes it.
    package var plugged: QMPCommand { QMPCommand("object-add", properties) }

    /// The command that removes it, once nothing uses it.
    package var unplugged: QMPCommand { QMPCommand("object-del", ["id": .string(id)]) }

    /// What QEMU calls it.
    package var id: String {
        switch self {
        case .ioThread(let id), .entropySource(let id): id
        case .throttleGroup(let group): group.id
        case .hugePages, .sharedMemory: Self.memoryID
        }
    }

    private var type: String {
        switch self {
        case .ioThread: "iothread"
        case .entropySource: "rng-builtin"
        case .throttleGroup: "throttle-group"
        case .hugePages, .sharedMemory: "memory-backend-memfd"
        }
    }

    private var properties: [String: JSON] {
        var members: [String: JSON] = ["qom-type": .string(type), "id": .string(id)]
        switch self {
        case .ioThread, .entropySource: break
        case .throttleGroup(let group): members["limits"] = group.limits
        case .hugePages(let memory, let page, let threads):
            members["size"] = .integer(memory.bytes)
            (members["hugetlb"], members["hugetlbsize"]) = (true, .integer(page.bytes))
            (members["prealloc"], members["prealloc-threads"]) = (true, .integer(Int64(threads)))
        case .sharedMemory(let memory): (members["size"], members["share"]) = (.integer(memory.bytes), true)
        }
        return members
    }
}

/// How much may be read and written.
package struct ThrottleGroup: Equatable, Sendable {
    /// What QEMU calls it.
    package var id: String
    /// Requests a second.
    package var iops: Int64?
    /// Bytes a second.
    package var bytesPerSecond: Int64?

    /// What QEMU is told (`ThrottleLimits`).
    var limits: JSON {
        var limits: [String: JSON] = [:]
        limits["iops-total"] = iops.map(JSON.integer)
        limits["bps-total"] = bytesPerSecond.map(JSON.integer)
        return .object(limits)
    }
}
