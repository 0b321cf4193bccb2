import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// A start in the foreground: the process becomes QEMU, so it must first detach from its terminal.
package enum Foreground {
    /// Detaches the start from its terminal.
    ///
    /// - Returns: nil in the process that continues the start. If it can't detach in place, as under a shell with job
    ///   control, a child continues; this process forwards signals to it (Ctrl-C ends QEMU) and returns when it has
    ///   ended.
    package static func leaveTerminal() throws(VMError) -> ForegroundEnd? {
        // Evaluated before the fork: it compares pids.
        _ = ServiceManager.startedThisProcess
        var status: CInt = 0
        let result = clinux_own_session(&status)
        guard result >= 0 else {
            throw .system(Errno(rawValue: -result), "start --foreground", "can't detach from the terminal")
        }
        return result == 0 ? nil : ForegroundEnd(status: status)
    }
}

/// How a start in the foreground ended.
package struct ForegroundEnd {
    /// The status from wait(2).
    let status: CInt

    /// How QEMU ended; nil if it was kvmctl that failed.
    package var ofQEMU: QEMUEnd? { QEMUEnd(status: status) }

    /// QEMU's failure and what it printed, if that went to the log and not to the user. kvmctl's own failures have
    /// codes of sysexits(3), and were reported already.
    package func failure(of vm: Machine) -> VMError? {
        guard MessageStream.ofThisProcess == nil, let end = ofQEMU else { return nil }
        let log = (try? readTail(vm.paths.qemuLog(vm.name), limit: 4096)) ?? []
        return VMError(.unavailable, vm.name.description, end.words, details: QEMUMessages(log).lines)
    }

    /// Ends this process the same way.
    package func repeatHere() -> Never { clinux_end_like(status) }
}
