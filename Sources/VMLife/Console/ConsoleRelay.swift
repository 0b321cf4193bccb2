import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// The connection to a guest's serial console. QEMU serves one client at a time, so a lock is held with it.
package struct ConsoleRelay: ~Copyable {
    private let name: VMName
    private let turn: ByteLockFile
    private let socket: OwnedDescriptor

    private init(name: VMName, turn: consuming ByteLockFile, socket: consuming OwnedDescriptor) {
        self.name = name
        self.turn = turn
        self.socket = socket
    }

    /// The connection, which does not block, for as long as this lives.
    var descriptor: CInt { socket.rawValue }

    /// Connects to the console of a running VM; nil if another client has it.
    ///
    /// - Throws: `.busy` if the VM is not running; `.denied` if it is another user's.
    static func connect(_ vm: Machine) throws(VMError) -> ConsoleRelay? {
        let (name, directory, loss) = (vm.name, vm.directory, "it has no console")
        try vm.running(or: loss)
        let turn = try directory.openLocks()
        guard try turn.wait(for: .console, of: directory, by: Deadline(in: .milliseconds(200))) else { return nil }
        do throws(Errno) {
            return ConsoleRelay(name: name, turn: turn, socket: try directory.connect(.serial))
        } catch .connectionRefused {
            // It has ended since the check above.
            throw vm.notRunning(so: loss)
        } catch .noSuchFileOrDirectory {
            try vm.refuseAdopted("its console is not kvmctl's")
            throw .withoutRuntimeFiles(name, "its console can't be reached")
        } catch {
            throw .system(error, name.description, "can't reach its console")
        }
    }

    /// Copies bytes both ways, until the escape or the VM's end. Terminal input beyond 1 MiB that the guest has not read is
    /// dropped, so that the escape always works; other input waits for the guest instead.
    ///
    /// - Parameter isNew: whether nothing of the console has been shown yet, so that silence is worth a word.
    /// - Throws: `.timedOut` if the guest does not read the rest of an input that is not a terminal.
    package func run(
        input: CInt, output: CInt, escape: ConsoleEscape, isNew: Bool, tell: (ConsoleNotice) -> Void
    ) throws(VMError) -> ConsoleEnd {
        var exchange = ConsoleExchange(
            name: name, socket: socket.rawValue, input: input, output: output, escape: escape, isNew: isNew)
        return try exchange.run(tell: tell)
    }
}
