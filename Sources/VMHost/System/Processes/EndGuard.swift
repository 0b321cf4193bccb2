import BridgeKernel
import CLinux
import Glibc
import SystemPackage

/// Sees to it that a program that this process has started does not outlive it, until it is called off (CLinux,
/// end_guard.h).
///
/// One that is to end with its parent in any case asks the kernel for that (`Launch.diesWithParent`), which nobody can take
/// back later.
package struct EndGuard: ~Copyable {
    private let line: OwnedDescriptor

    /// - Parameter line: the descriptor to call it off by.
    init(line: CInt) { self.line = OwnedDescriptor(FileDescriptor(rawValue: line)) }

    /// From now on the program may outlive this process.
    package consuming func callOff() { clinux_call_off_guard(line.release()) }
}
