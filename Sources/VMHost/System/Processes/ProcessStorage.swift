import SystemPackage
import VMCore

extension UsageSample.Traffic {
    /// What a process has had read from and written to storage since it started (proc_pid_io(5)): what its threads and
    /// io_uring asked of it, without what the host's cache answered. nil if it has ended, or may not be looked at.
    package init?(storageOf process: ProcessIdentity) {
        guard let bytes = try? readLocal(FilePath("/proc/\(process.pid)/io"), limit: 4096) else { return nil }
        var values: [Substring: UInt64] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: ": ")
            if words.count == 2 { values[words[0]] = UInt64(words[1]) }
        }
        guard let read = values["read_bytes"], let written = values["write_bytes"] else { return nil }
        self.init(inward: read, outward: written)
    }
}
