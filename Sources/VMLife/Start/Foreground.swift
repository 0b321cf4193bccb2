import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// A start in the foreground, which becomes QEMU, and must leave the terminal that it was typed at behind.
package enum Foreground {
    /// Lets the start go on without a terminal.
    ///
    /// - Returns: nil in the process that goes on. Where it could not do so in place, as under a shell with job control, the
    ///   process stays beside it, passes signals on (Ctrl-C is QEMU's to end by), and is told here of the end.
    package static func leaveTerminal() throws(VMError) -> ForegroundEnd? {
        // Before there are two processes.
        _ = ServiceManager.startedThisProcess
        var status: CInt = 0
        let result = clinux_own_session(&status)
        guard result >= 0 else {
            throw .system(Errno(rawValue: -result), "start --foreground", "can't leave the terminal")
        }
        return result == 0 ? nil : ForegroundEnd(status: status)
    }
}

/// How a start in the foreground ended.
package struct ForegroundEnd {
    /// As wait(2) tells it.
    let status: CInt

    /// What QEMU printed where it failed, for who can't have seen it: it went to the log. kvmctl's own failures have codes of
    /// sysexits(3), and were said.
    package func failure(of vm: VMName, in paths: Paths) -> VMError? {
        let signal = status & 0x7f
        let code = status >> 8 & 0xff
        guard MessageStream.ofThisProcess == nil, signal != 0 || (1..<64).contains(code) else { return nil }
        let log = (try? readTail(paths.qemuLog(vm), limit: 4096)) ?? []
        let how = signal == 0 ? "ended with exit code \(code)" : "was killed by \(signalName(signal))"
        return VMError(.unavailable, vm.description, "QEMU \(how)", details: QEMUMessages(log).lines)
    }

    /// Ends this process the same way.
    package func repeatHere() -> Never { clinux_end_like(status) }
}
