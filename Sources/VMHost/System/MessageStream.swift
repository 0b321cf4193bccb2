import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// This process's stderr, as far as QEMU may have it when it takes the process's place: something that is read by others, and
/// that a QEMU which a guest took over can do no more with than write to.
///
/// Never a terminal, into which it could type, nor a file, which it could cut or overwrite, nor a connection, which it could
/// read from: then QEMU's messages go to the VM's log.
package enum MessageStream {
    case pipe
    case journal

    /// What stderr is; nil where QEMU may not have it.
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
            // Anew: what QEMU sets on its own description (O_NONBLOCK) is not everybody's who has the pipe. And not
            // waiting: a reader that stands still must not make the guest stand still.
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
