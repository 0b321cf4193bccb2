import SystemPackage

/// A setting of the kernel's, of the network namespace that the caller is in (proc_sys_net(5)).
struct Sysctl: Equatable {
    /// As sysctl(8) writes it with slashes: `net/ipv4/ip_forward`.
    let key: String

    static let forwarding = Sysctl(key: "net/ipv4/ip_forward")

    private var path: FilePath { FilePath("/proc/sys").appending(key) }

    /// Its value; nil where this kernel has no such setting.
    var value: String? {
        (try? readFile(path, limit: 256)).map {
            String(decoding: $0.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
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
