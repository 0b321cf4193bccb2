import VMCore
import VMHost

/// What became of a VM since a moment, for whoever waits for something inside that does not answer.
final class GuestFate {
    private let vm: Machine
    private var record: LogReader?
    private var wasReset = false

    init(_ vm: Machine) {
        self.vm = vm
        record = try? LogReader(.record, of: vm, lastLines: 0, followsNextRun: false)
    }

    /// Why nothing that ran in the guest then is there any more; nil if it may be.
    ///
    /// - Parameters:
    ///   - what: what is lost with it, such as `the command`.
    ///   - isNear: whether QEMU seems to be ending: it closes its sockets first of all.
    func end(of what: String, isNear: Bool) throws(VMError) -> VMError? {
        if try isNear ? endsSoon() : !vm.observe().isAlive {
            return VMError(
                .unavailable, vm.name.description, "it has ended, and \(what) with it",
                remedy: "see why: \(command: "kvmctl history \(vm.name)")")
        }
        return reboot(of: what)
    }

    /// The same if the guest was rebooted.
    func reboot(of what: String) -> VMError? {
        while let bytes = try? record?.next(), !bytes.isEmpty {
            wasReset = wasReset || bytes.mention("\"RESET\"")
        }
        guard wasReset else { return nil }
        return VMError(
            .unavailable, vm.name.description, "the guest was rebooted, and \(what) ended with that",
            remedy: "see when: \(command: "kvmctl events \(vm.name)")")
    }

    /// Whether QEMU has ended after a while.
    private func endsSoon() throws(VMError) -> Bool {
        let deadline = Deadline(in: .seconds(2))
        while try vm.observe().isAlive {
            if deadline.hasPassed { return false }
            pause(.milliseconds(20))
        }
        return true
    }
}
