import BridgeKernel
import SystemPackage
import VMCore

/// A kernel setting of the caller's network namespace (proc_sys_net(5)).
package struct Sysctl: Equatable {
    /// As sysctl(8) writes it with slashes: `net/ipv4/ip_forward`.
    let key: String

    package init(key: String) {
        self.key = key
    }

    static let forwarding = Sysctl(key: "net/ipv4/ip_forward")

    private var path: FilePath { FilePath("/proc/sys").appending(key) }

    /// Its value; nil if this kernel has no such setting.
    package func value() throws(VMError) -> String? {
        do throws(Errno) {
            let bytes = try readFile(path, limit: 256)
            return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// Sets it.
    func set(_ value: String) throws(VMError) {
        do throws(Errno) {
            let file = try OwnedDescriptor.open(path, .writeOnly)
            try writeAll(Array(value.utf8), to: file.descriptor)
        } catch {
            throw .system(
                error, path.string, "can't be set to \(value)",
                remedy: error == .readOnlyFileSystem
                    ? "this container's /proc/sys is read-only: mount it writable" : nil)
        }
    }
}
