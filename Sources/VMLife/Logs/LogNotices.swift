import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Becomes readable when a log of a VM grows (inotify(7)).
struct LogNotices: ~Copyable {
    private let notices: OwnedDescriptor

    /// - Throws: why the kernel can't watch them, as when it has no watches left.
    init(_ paths: [FilePath]) throws(Errno) {
        notices = try Self.notices(of: paths)
    }

    private static func notices(of paths: [FilePath]) throws(Errno) -> OwnedDescriptor {
        let notices = try OwnedDescriptor(returned: inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK)))
        for path in paths {
            let watch = path.withPlatformString { inotify_add_watch(notices.rawValue, $0, UInt32(IN_MODIFY)) }
            guard watch >= 0 else { throw Errno(rawValue: errno) }
        }
        return notices
    }

    var descriptor: CInt { notices.rawValue }

    /// Forgets what was noticed so far.
    func clear() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while read(notices.rawValue, &bytes, bytes.count) > 0 {}
    }
}
