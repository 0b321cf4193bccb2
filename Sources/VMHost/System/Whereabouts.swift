import Glibc
import SystemPackage
import VMCore

/// Where and when this process is: what numbers of the kernel's mean only there.
package enum Whereabouts {
    /// Which boot of the host it is, in text (proc_sys_kernel(5), random/boot_id).
    ///
    /// - Throws: where it can't be read. What was written down is then neither of this boot nor of another.
    package static func boot() throws(VMError) -> String {
        let path = FilePath("/proc/sys/kernel/random/boot_id")
        do throws(Errno) {
            let id = try readFile(path, limit: 64).prefix { $0 != UInt8(ascii: "\n") }
            guard !id.isEmpty else { throw .noData }
            return String(decoding: id, as: UTF8.self)
        } catch { throw .system(error, path.string, "can't be read") }
    }

    /// The pid namespace, by its inode (namespaces(7)).
    ///
    /// - Throws: where it can't be seen.
    static func pidNamespace() throws(VMError) -> Int64 { try namespace("pid") }

    /// The network namespace, by its inode (namespaces(7)).
    ///
    /// - Throws: where it can't be seen.
    package static func networkNamespace() throws(VMError) -> Int64 { try namespace("net") }

    private static func namespace(_ kind: String) throws(VMError) -> Int64 {
        let path = FilePath("/proc/self/ns/\(kind)")
        do throws(Errno) {
            guard let found = try status(of: path) else { throw .noSuchFileOrDirectory }
            return Int64(found.st_ino)
        } catch { throw .system(error, path.string, "can't be seen") }
    }
}
