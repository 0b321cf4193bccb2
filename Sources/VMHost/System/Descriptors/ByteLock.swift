import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// A file whose bytes are locks (OFD locks, fcntl(2)). A lock is held until this value, and every process that
/// inherited its descriptor, is gone.
package struct ByteLockFile: ~Copyable {
    private let file: OwnedDescriptor

    /// Opens the file only to ask about locks.
    package init(asking path: FilePath) throws(Errno) { file = try .regular(path, .readOnly) }

    /// Opens an existing file for locking. Another user's file is refused.
    package init(changing path: FilePath) throws(Errno) {
        file = try Self.own(try .regular(path, .readWrite))
    }

    /// Opens the file for locking, and makes it if it is missing. Another user's file is refused.
    package init(
        creating path: FilePath, _ mode: FileDescriptor.AccessMode = .readWrite, permissions: UInt32,
        group: UInt32? = nil
    ) throws(Errno) {
        file = try Self.own(try openOwn(path, mode, permissions: permissions, group: group))
    }

    private static func own(_ file: consuming OwnedDescriptor) throws(Errno) -> OwnedDescriptor {
        guard RunFileOwnership.isOwn(try file.status()) else { throw .notPermitted }
        return file
    }

    /// `init(creating:)`, with an error that names the file.
    package static func make(_ path: FilePath, permissions: UInt32) throws(VMError) -> ByteLockFile {
        do throws(Errno) { return try ByteLockFile(creating: path, permissions: permissions) } catch {
            throw .unusable(error, path)
        }
    }

    /// Takes over a descriptor, with the locks that it carries.
    init(inherited descriptor: FileDescriptor) { file = OwnedDescriptor(descriptor) }

    /// `tryLock`, with an error that names the file.
    package func take(_ byte: Int64, of path: FilePath) throws(VMError) -> Bool {
        do throws(Errno) { return try tryLock(byte) } catch {
            throw .system(error, path.string, "can't be locked")
        }
    }

    /// Waits for the lock on a byte; false if the deadline passed first.
    package func take(_ byte: Int64, of path: FilePath, by deadline: Deadline) throws(VMError) -> Bool {
        while try !take(byte, of: path) {
            guard !deadline.hasPassed else { return false }
            pause(.milliseconds(1))
        }
        return true
    }

    package var descriptor: FileDescriptor { file.descriptor }

    /// Takes the lock on a byte; false if it is held elsewhere.
    package func tryLock(_ byte: Int64) throws(Errno) -> Bool {
        let result = clinux_ofd_lock(file.rawValue, byte)
        if result == -Errno.resourceTemporarilyUnavailable.rawValue { return false }
        guard result == 0 else { throw Errno(rawValue: -result) }
        return true
    }

    /// Releases the lock on a byte at once, also for processes that share the descriptor. Closing would release it too,
    /// but only if it succeeds, and the next to take the turn may be this very process.
    package func giveBack(_ byte: Int64) { _ = clinux_ofd_unlock(file.rawValue, byte) }

    /// Takes a read lock on a byte, which many can hold at once; false if a write lock is held elsewhere.
    package func tryShare(_ byte: Int64) throws(Errno) -> Bool {
        let result = clinux_ofd_share(file.rawValue, byte)
        if result == -Errno.resourceTemporarilyUnavailable.rawValue { return false }
        guard result == 0 else { throw Errno(rawValue: -result) }
        return true
    }

    /// Whether a lock of any kind is held elsewhere on a byte.
    package func isHeld(_ byte: Int64) throws(Errno) -> Bool {
        let result = clinux_ofd_is_held(file.rawValue, byte)
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return result == 1
    }

    /// Whether a write lock is held elsewhere on a byte.
    package func isLocked(_ byte: Int64) throws(Errno) -> Bool {
        let result = clinux_ofd_is_locked(file.rawValue, byte)
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return result == 1
    }

    /// Its length in bytes.
    func length() throws(Errno) -> Int { Int(try file.status().st_size) }

    /// Whether the path still leads to this very file.
    package func isStillAt(_ path: FilePath) -> Bool {
        guard let here = try? file.status(), let there = try? VMHost.status(of: path) else { return false }
        return here.st_dev == there.st_dev && here.st_ino == there.st_ino
    }

    /// Gives up the descriptor, with the locks that it carries.
    consuming func release() -> OwnedDescriptor { file }
}
