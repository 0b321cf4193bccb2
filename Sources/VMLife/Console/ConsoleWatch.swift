import Glibc
import SystemPackage
import VMCore
import VMHost

/// A console that another client has, followed through its log.
package struct ConsoleWatch: ~Copyable {
    private let vm: Machine
    private var log: LogReader

    /// Starts with the last lines shown so far.
    package init(_ vm: Machine) throws(VMError) {
        self.vm = vm
        log = try LogReader(.console, of: vm, lastLines: 10)
    }

    /// Shows what the guest writes, until Ctrl-] or the VM's end. Other keys do nothing.
    package mutating func run(input: CInt, output: CInt) throws(VMError) -> ConsoleEnd {
        let keyboard = ConsoleKeyboard(input)
        var idle: CInt = 0
        while true {
            var set = pollfd(fd: keyboard.descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&set, 1, idle) > 0, let end = keyboard.read().end { return end }
            // In this order: once a VM has ended, everything that it wrote is in the log.
            let isAlive = try vm.observe().isAlive
            let bytes = try log.next()
            if bytes.isEmpty, !isAlive { return .closed }
            do throws(Errno) { try writeAll(bytes, to: FileDescriptor(rawValue: output)) } catch .brokenPipe {
                return .hungUp
            } catch {
                throw .system(error, "stdout", "can't be written")
            }
            idle = bytes.isEmpty ? 100 : 0
        }
    }
}
