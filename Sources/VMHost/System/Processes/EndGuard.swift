import BridgeKernel
import CLinux
import Glibc
import SystemPackage

/// Sees to it that a process does not outlive this one, until it is called off (CLinux, end_guard.h).
///
/// A process that is to end with its parent in any case asks the kernel for that (`Launch.diesWithParent`), which nobody can
/// take back later.
package struct EndGuard: ~Copyable {
    private let line: OwnedDescriptor

    /// Guards a process.
    package init(of process: borrowing ProcessHandle) throws(Errno) {
        line = try OwnedDescriptor(returned: clinux_guard_end(process.descriptor))
    }

    /// From now on the process may outlive this one.
    package consuming func callOff() { clinux_call_off_guard(line.release()) }
}
