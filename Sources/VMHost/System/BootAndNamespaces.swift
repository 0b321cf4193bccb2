import Glibc
import SystemPackage
import VMCore

/// The boot and the namespaces of this process. Kernel numbers such as pids are valid only there.
package enum BootAndNamespaces {
    /// The id of the host's present boot (proc_sys_kernel(5), random/boot_id).
    ///
    /// - Throws: if it can't be read. Records can then be assigned neither to this boot nor to another.
    package static func boot() throws(VMError) -> String {
        let path = FilePath("/proc/sys/kernel/random/boot_id")
        do throws(Errno) {
            let id = try readFile(path, limit: 64).prefix { $0 != UInt8(ascii: "\n") }
            guard !id.isEmpty else { throw .noData }
            return String(decoding: id, as: UTF8.self)
        } catch { throw .system(error, path.string, "can't be read") }
    }

    /// The inode of the pid namespace (namespaces(7)).
    ///
    /// - Throws: if it can't be determined.
    static func pidNamespace() throws(VMError) -> Int64 { try namespace("pid") }

    /// The inode of the network namespace (namespaces(7)).
    ///
    /// - Throws: if it can't be determined.
    package static func networkNamespace() throws(VMError) -> Int64 { try namespace("net") }

    private static func namespace(_ kind: String) throws(VMError) -> Int64 {
        let path = FilePath("/proc/self/ns/\(kind)")
        do throws(Errno) {
            guard let found = try status(of: path) else { throw .noSuchFileOrDirectory }
            return Int64(found.st_ino)
        } catch { throw .system(error, path.string, "can't be examined") }
    }
}
