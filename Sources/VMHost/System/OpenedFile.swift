import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

extension OwnedDescriptor {
    /// Opens a file, close-on-exec. A terminal never becomes this process's own by that.
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

    /// Opens a file of kvmctl's own: not through a link, and nothing whose opening or reading waits for somebody else.
    package static func regular(
        _ path: FilePath, _ mode: FileDescriptor.AccessMode, flags: CInt = 0, permissions: mode_t = 0
    ) throws(Errno) -> OwnedDescriptor {
        let file = try open(path, mode, flags: flags | O_NOFOLLOW | O_NONBLOCK, permissions: permissions)
        guard try file.status().st_mode & S_IFMT == S_IFREG else { throw .notSupported }
        return file
    }

    /// Opens a regular file for reading, whoever has it, and whatever they put there meanwhile: what it is is seen before
    /// it is opened, for the opening of a FIFO waits, and that of a device can do something (/dev/watchdog).
    ///
    /// - Throws: `.notSupported` where it is something else, or a file of the kernel's, whose reading may wait for ever
    ///   (/proc/kmsg) or take away what it reads; `.resourceTemporarilyUnavailable` where its owner keeps others waiting
    ///   (fcntl(2), F_SETLEASE).
    package static func anyonesRegular(_ path: FilePath) throws(Errno) -> OwnedDescriptor {
        try RemoteMounts.refuseSilent(at: path)
        let seen = try open(path, .readOnly, flags: pathOnly)
        guard try seen.status().kind == S_IFREG, seen.pseudoFileSystem == nil else { throw .notSupported }
        // The very same file (proc_pid_fd(5)).
        return try open(FilePath("/proc/self/fd/\(seen.rawValue)"), .readOnly, flags: O_NONBLOCK)
    }

    /// What the kernel calls the file system, where its files are views of the kernel's own state; else nil.
    var pseudoFileSystem: String? {
        // Those never fail to say what they are (fs/libfs.c, simple_statfs); one that somebody serves may.
        let type = clinux_file_system_type(rawValue)
        return type < 0 ? nil : PseudoFileSystem.name(ofType: UInt32(truncatingIfNeeded: type))
    }

    /// What fstat(2) says.
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
