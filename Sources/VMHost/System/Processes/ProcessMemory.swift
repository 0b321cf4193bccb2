import SystemPackage
import VMCore

extension ProcessFiles {
    /// How much memory of its own it has touched, in RAM and in swap (proc_pid_status(5)); nil if that can't be told.
    package var touchedMemory: ByteCount? {
        guard let bytes = try? readFile(FilePath("/proc/\(pid)/status"), limit: 16 << 10) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let sizes = lines.filter { $0.hasPrefix("VmRSS:") || $0.hasPrefix("VmSwap:") }.compactMap { line in
            UInt64(line.filter(\.isNumber))
        }
        return sizes.isEmpty ? nil : ByteCount(blocks: sizes.reduce(0, +), of: 1024)
    }
}
