import SystemPackage
import VMCore

/// The kernel's account of its memory (proc_meminfo(5)), and its policy of overcommitting it (proc_sys_vm(5)).
private struct MemoryCounts {
    private let bytes: [UInt8]

    /// nil if it can't be read.
    init?() {
        guard let read = try? readFile("/proc/meminfo") else { return nil }
        bytes = read
    }

    /// The number in a line; nil if there is no such line.
    func number(_ name: String) -> UInt64? {
        let head = Array(name.utf8) + [UInt8(ascii: ":")]
        let line = bytes.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: head) }
        return line.flatMap { UInt64(String(decoding: $0.dropFirst(head.count), as: UTF8.self).filter(\.isNumber)) }
    }

    /// The size in a line, in which it is in KiB.
    func size(_ name: String) -> ByteCount? { number(name).map { ByteCount(blocks: $0, of: 1024) } }

    /// What the kernel promises.
    enum Policy {
        /// Any single request that RAM and swap could fulfil.
        case heuristic
        /// Everything.
        case always
        /// Only what it can keep.
        case never
    }

    /// nil if it can't be read.
    static var policy: Policy? {
        switch (try? readFile("/proc/sys/vm/overcommit_memory", limit: 1))?.first {
        case UInt8(ascii: "0"): .heuristic
        case UInt8(ascii: "1"): .always
        case UInt8(ascii: "2"): .never
        default: nil
        }
    }
}

/// The host's memory, as far as a start needs it.
package struct HostMemory {
    /// Its RAM; nil if unknown.
    package private(set) var ram: ByteCount?
    /// RAM and swap together, if the kernel refuses a larger single allocation; nil under another policy.
    package private(set) var limit: ByteCount?

    /// The default size of its huge pages; nil: it has none, or it is unknown.
    package private(set) var hugePage: ByteCount?

    /// Asks the kernel.
    init() {
        guard let counts = MemoryCounts() else { return }
        hugePage = counts.size("Hugepagesize")
        ram = counts.size("MemTotal")
        guard MemoryCounts.policy == .heuristic, let ram, let swap = counts.size("SwapTotal") else { return }
        limit = ram + swap
    }
}

extension MemoryCondition {
    /// Asks the kernel; nil if it does not say.
    package init?() {
        guard let counts = MemoryCounts(), let total = counts.size("MemTotal") else { return nil }
        func size(_ name: String) -> ByteCount { counts.size(name) ?? ByteCount(bytes: 0) }
        func hugePages(_ name: String) -> ByteCount {
            ByteCount(blocks: counts.number(name) ?? 0, of: UInt64(size("Hugepagesize").bytes))
        }
        self.init(
            total: total, available: size("MemAvailable") + size("SwapFree"),
            idleHugePages: hugePages("HugePages_Free") - hugePages("HugePages_Rsvd"),
            promisable: MemoryCounts.policy == .never ? size("CommitLimit") - size("Committed_AS") : nil)
    }
}
