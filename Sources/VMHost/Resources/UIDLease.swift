import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// A uid is taken by a read lock on its file under RUN/uids. QEMU inherits the lock by a read-only descriptor, so the uid is
/// free again as soon as QEMU and all processes that share the descriptor are gone. Each uid has its own file, so that a
/// QEMU that a guest has taken over can keep no uid but its own.
extension UIDPool {
    /// The byte that is locked while the uid is in use, and the byte that is locked while a command takes it.
    private static let use: Int64 = 0
    private static let lock: Int64 = 1

    /// A uid and the lock that keeps it.
    @frozen package struct Lease: ~Copyable {
        package let uid: UInt32
        package let lock: OwnedDescriptor
    }

    /// Takes a uid: a VM gets the same one each time, unless another VM has it.
    package static func take(for name: VMName, in directory: FilePath) throws(Errno) -> Lease {
        try makeDirectories(directory, permissions: 0o700)
        let hash = Identity.hash(Array(name.description.utf8))
        let preferred = Int(hash[0]) << 8 | Int(hash[1])
        for step in 0..<count {
            let uid = first + UInt32((preferred + step) % count)
            if let lock = try take(directory.appending(String(uid))) { return Lease(uid: uid, lock: lock) }
        }
        throw .resourceTemporarilyUnavailable
    }

    /// The lock on a uid; nil if it is held, if only by a process that QEMU passed its descriptor to.
    private static func take(_ path: FilePath) throws(Errno) -> OwnedDescriptor? {
        let file = try ByteLockFile(creating: path, permissions: 0o600)
        guard try file.tryLock(lock), try !file.isHeld(use) else { return nil }
        let lock = try ByteLockFile(asking: path)
        guard try lock.tryShare(use) else { return nil }
        extendLifetime(file)
        return lock.release()
    }

    /// Whether this user namespace maps all uids of the pool. Most unprivileged containers don't.
    package static var isMapped: Bool { IDMap.uids.contains(range) && IDMap.gids.contains(range) }
}

extension IDMap {
    /// The uids of this user namespace; all uids if the kernel has no user namespaces.
    package static let uids = IDMap(reading: "/proc/self/uid_map")
    /// The gids of this user namespace.
    static let gids = IDMap(reading: "/proc/self/gid_map")

    private init(reading file: FilePath) {
        let everything = "0 0 4294967295"
        self.init(parsing: (try? readFile(file)).map { String(decoding: $0, as: UTF8.self) } ?? everything)
    }
}
