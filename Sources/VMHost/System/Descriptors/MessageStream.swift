import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// This process's stderr, if QEMU may keep it in the foreground: a stream that a QEMU which a guest has taken over can
/// only write to.
///
/// Never a terminal, which it could inject input into, nor a file, which it could truncate or overwrite, nor a
/// connection, which it could read from. In these cases QEMU's messages go to the VM's log.
package enum MessageStream {
    case pipe
    case journal

    /// The kind of this process's stderr; nil if QEMU may not have it.
    package static var ofThisProcess: MessageStream? {
        var found = stat()
        guard fstat(STDERR_FILENO, &found) == 0 else { return nil }
        switch found.st_mode & S_IFMT {
        case S_IFIFO: return .pipe
        case S_IFSOCK where ServiceManager.isJournal(found): return .journal
        default: return nil
        }
    }

    /// Opens it for QEMU.
    package func open() throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            switch self {
            // Opened anew, so that flags such as O_NONBLOCK are not shared with the pipe's other writers. And
            // non-blocking: a reader that stalls must not stall the guest.
            case .pipe: return try .open("/proc/self/fd/2", .writeOnly, flags: O_NONBLOCK)
            case .journal: return try OwnedDescriptor(returned: fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3))
            }
        } catch {
            throw .system(
                error, "stderr", "can't be passed to QEMU",
                remedy: "send it to a file: QEMU's messages then go to the VM's log")
        }
    }
}
