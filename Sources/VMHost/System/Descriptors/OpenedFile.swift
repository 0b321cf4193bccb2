import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

extension OwnedDescriptor {
    /// Opens a file, close-on-exec. A terminal does not become this process's controlling terminal.
    package static func open(
        _ path: FilePath, _ mode: FileDescriptor.AccessMode, flags: CInt = 0, permissions: mode_t = 0
    ) throws(Errno) -> OwnedDescriptor {
        while true {
            let raw = path.withPlatformString {
                Glibc.open($0, mode.rawValue | flags | O_CLOEXEC | O_NOCTTY, permissions)
            }
            if raw >= 0 { return OwnedDescriptor(FileDescriptor(rawValue: raw)) }
            if Glibc.errno != EINTR { throw Errno(rawValue: Glibc.errno) }
        }
    }

    /// Opens one of kvmctl's files, without following a link and without waiting. Only a regular file is accepted,
    /// since reading anything else may wait for another process.
    package static func regular(
        _ path: FilePath, _ mode: FileDescriptor.AccessMode, flags: CInt = 0, permissions: mode_t = 0
    ) throws(Errno) -> OwnedDescriptor {
        let file = try open(path, mode, flags: flags | O_NOFOLLOW | O_NONBLOCK, permissions: permissions)
        guard try file.status().st_mode & S_IFMT == S_IFREG else { throw .notSupported }
        return file
    }

    /// Opens a regular file of any user for reading, even if it is replaced meanwhile. Its kind is checked before it is
    /// opened, since opening a FIFO waits, and opening a device can have an effect (/dev/watchdog).
    ///
    /// - Throws: `.notSupported` if it is something else, or a kernel file, whose reading may wait for ever or consume
    ///   what it reads (/proc/kmsg); `.resourceTemporarilyUnavailable` if its owner holds a lease that would make the
    ///   opening wait (fcntl(2), F_SETLEASE).
    package static func anyonesRegular(_ path: FilePath) throws(Errno) -> OwnedDescriptor {
        try RemoteMounts.refuseSilent(at: path)
        let seen = try open(path, .readOnly, flags: pathOnly)
        guard try seen.status().kind == S_IFREG, seen.pseudoFileSystem == nil else { throw .notSupported }
        return try reopened(seen)
    }

    /// The same for a block device.
    static func blockDevice(_ path: FilePath) throws(Errno) -> OwnedDescriptor {
        let seen = try open(path, .readOnly, flags: pathOnly)
        guard try seen.status().kind == S_IFBLK else { throw .notSupported }
        return try reopened(seen)
    }

    /// The very same file, for reading (proc_pid_fd(5)).
    private static func reopened(_ seen: borrowing OwnedDescriptor) throws(Errno) -> OwnedDescriptor {
        try open(FilePath("/proc/self/fd/\(seen.rawValue)"), .readOnly, flags: O_NONBLOCK)
    }

    /// Whether it is a file of this name that the kernel goes on with as long as it is read.
    package func isEndless(_ name: String) -> Bool {
        let type = clinux_file_system_type(rawValue)
        return type >= 0 && PseudoFileSystem.isEndless(name, ofType: UInt32(truncatingIfNeeded: type))
    }

    /// The kernel's name for the file system if its files are views of kernel state; else nil.
    package var pseudoFileSystem: String? {
        // These file systems never fail here (fs/libfs.c, simple_statfs); one with a server may.
        let type = clinux_file_system_type(rawValue)
        return type < 0 ? nil : PseudoFileSystem.name(ofType: UInt32(truncatingIfNeeded: type))
    }

    /// The result of fstat(2).
    package func status() throws(Errno) -> stat {
        var found = stat()
        guard fstat(rawValue, &found) == 0 else { throw Errno(rawValue: Glibc.errno) }
        return found
    }

    /// Opens a directory as an anchor for the *at functions.
    package static func directory(_ path: FilePath) throws(Errno) -> OwnedDescriptor {
        try open(path, .readOnly, flags: O_DIRECTORY)
    }
}
