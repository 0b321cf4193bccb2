import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// A file whose bytes are locks (OFD locks, fcntl(2)). A lock is held until this value goes, or for as long as a
/// process lives that inherited its descriptor.
package struct ByteLockFile: ~Copyable {
    private let file: OwnedDescriptor

    /// Opens the file, for asking only.
    package init(asking path: FilePath) throws(Errno) { file = try .regular(path, .readOnly) }

    /// Opens the file for locking, where it is there; somebody else's is refused.
    package init(changing path: FilePath) throws(Errno) {
        file = try Self.own(try .regular(path, .readWrite))
    }

    /// Opens the file for locking, and makes it where it is missing; somebody else's is refused.
    package init(
        creating path: FilePath, _ mode: FileDescriptor.AccessMode = .readWrite, permissions: UInt32,
        group: UInt32? = nil
    ) throws(Errno) {
        file = try Self.own(try openOwn(path, mode, permissions: permissions, group: group))
    }

    private static func own(_ file: consuming OwnedDescriptor) throws(Errno) -> OwnedDescriptor {
        guard Custody.isOwn(try file.status()) else { throw .notPermitted }
        return file
    }

    /// The same, with a failure that names the file.
    package static func make(_ path: FilePath, permissions: UInt32) throws(VMError) -> ByteLockFile {
        do throws(Errno) { return try ByteLockFile(creating: path, permissions: permissions) } catch {
            throw .unusable(error, path)
        }
    }

    /// Takes over a descriptor, with the locks that it carries.
    init(inherited descriptor: FileDescriptor) { file = OwnedDescriptor(descriptor) }

    /// `tryLock`, with a failure that names the file.
    package func take(_ byte: Int64, of path: FilePath) throws(VMError) -> Bool {
        do throws(Errno) { return try tryLock(byte) } catch {
            throw .system(error, path.string, "can't be locked")
        }
    }

    /// Waits for the lock on a byte; false where it is not to be had in time.
    package func take(_ byte: Int64, of path: FilePath, by deadline: Deadline) throws(VMError) -> Bool {
        while try !take(byte, of: path) {
            guard !deadline.hasPassed else { return false }
            pause(.milliseconds(1))
        }
        return true
    }

    package var descriptor: FileDescriptor { file.descriptor }

    /// Takes the lock on a byte, unless somebody else has it.
    package func tryLock(_ byte: Int64) throws(Errno) -> Bool {
        let result = clinux_ofd_lock(file.rawValue, byte)
        if result == -Errno.resourceTemporarilyUnavailable.rawValue { return false }
        guard result == 0 else { throw Errno(rawValue: -result) }
        return true
    }

    /// Gives the lock on a byte back at once, for whoever shares the descriptor too. To close it would do, unless that fails;
    /// and who then takes the next turn, may be this very process.
    package func giveBack(_ byte: Int64) { _ = clinux_ofd_unlock(file.rawValue, byte) }

    /// Takes a read lock on a byte, of which there can be many, unless somebody else has the lock.
    func tryShare(_ byte: Int64) throws(Errno) -> Bool {
        let result = clinux_ofd_share(file.rawValue, byte)
        if result == -Errno.resourceTemporarilyUnavailable.rawValue { return false }
        guard result == 0 else { throw Errno(rawValue: -result) }
        return true
    }

    /// Whether somebody else holds a lock of any kind on a byte.
    package func isHeld(_ byte: Int64) throws(Errno) -> Bool {
        let result = clinux_ofd_is_held(file.rawValue, byte)
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return result == 1
    }

    /// Whether somebody else holds the lock on a byte.
    package func isLocked(_ byte: Int64) throws(Errno) -> Bool {
        let result = clinux_ofd_is_locked(file.rawValue, byte)
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return result == 1
    }

    /// Its length in bytes.
    func length() throws(Errno) -> Int { Int(try file.status().st_size) }

    /// Whether this very file is what the path leads to.
    package func isStillAt(_ path: FilePath) -> Bool {
        guard let here = try? file.status(), let there = try? VMHost.status(of: path) else { return false }
        return here.st_dev == there.st_dev && here.st_ino == there.st_ino
    }

    /// Gives the descriptor up, with the locks that it carries.
    consuming func release() -> OwnedDescriptor { file }
}
