import Glibc
import SystemPackage

/// Where and when this process is: what numbers of the kernel's mean only there.
enum Whereabouts {
    /// Which boot of the host it is, in text (proc_sys_kernel(5), random/boot_id).
    static var boot: String {
        let id = (try? readFile("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        return String(decoding: id.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// The pid namespace, by its inode (namespaces(7)); 0 where that can't be seen.
    static var pidNamespace: Int64 { namespace("pid") }

    /// The network namespace, by its inode (namespaces(7)); 0 where that can't be seen.
    static var networkNamespace: Int64 { namespace("net") }

    private static func namespace(_ kind: String) -> Int64 {
        ((try? status(of: FilePath("/proc/self/ns/\(kind)"))) ?? nil).map { Int64($0.st_ino) } ?? 0
    }
}
