import Glibc
import SystemPackage
import VMCore
import VMHost

/// A console that another client has, or whose beginning has passed, followed through its log.
package struct ConsoleWatch: ~Copyable {
    private let vm: Machine
    private var log: LogReader
    private let locks: ByteLockFile

    /// Starts with the last lines shown so far.
    ///
    /// - Parameter lastLines: how many; nil: all of this run.
    package init(_ vm: Machine, lastLines: Int? = 10) throws(VMError) {
        let locks = try vm.directory.openLocks()
        let log = try LogReader(.console, of: vm, lastLines: lastLines)
        self.vm = vm
        self.locks = locks
        self.log = log
    }

    /// Shows what the guest writes, until the escape or the VM's end; nil: the console has become free. Other keys do
    /// nothing.
    package mutating func run(input: CInt, output: CInt, escape: ConsoleEscape) throws(VMError) -> ConsoleEnd? {
        let keyboard = ConsoleKeyboard(input, escape)
        var idle: CInt = 0
        while true {
            var set = pollfd(fd: keyboard.descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&set, 1, idle) > 0, let end = keyboard.read().end { return end }
            // In this order: once a VM has ended, everything that it wrote is in the log.
            let isAlive = try vm.observe().isAlive
            guard let count = try show(output: output) else { return .hungUp }
            if count == 0 {
                if !isAlive { return .closed }
                if try isFree { return nil }
            }
            idle = count == 0 ? 100 : 0
        }
    }

    /// Connects to the console, now that it is free; nil if another client was quicker, or the VM has ended since.
    package func takeOver() throws(VMError) -> ConsoleRelay? {
        do { return try vm.console() } catch {
            guard try !vm.observe().isAlive else { throw error }
            return nil
        }
    }

    /// Shows what is in the log by now; how many bytes that was, or nil if nothing reads the output any more.
    ///
    /// Once the console is connected to, this is what the guest wrote before.
    @discardableResult
    package mutating func show(output: CInt) throws(VMError) -> Int? {
        let bytes = try log.next()
        do throws(Errno) { try writeAll(bytes, to: FileDescriptor(rawValue: output)) } catch .brokenPipe {
            return nil
        } catch {
            throw .system(error, "stdout", "can't be written")
        }
        return bytes.count
    }

    private var isFree: Bool {
        get throws(VMError) {
            let lock = RuntimeDirectory.Lock.console.rawValue
            do throws(Errno) { return try !locks.isLocked(lock) } catch {
                throw .system(error, vm.directory.locksFile.string, "can't tell whether the console is in use")
            }
        }
    }
}
