import Glibc
import SystemPackage
import VMCore
import VMHost

extension Site {
    /// Ends the VMs of runs whose command was killed, and removes what is left of them; and what is left of those that were kept
    /// and have ended.
    ///
    /// - Returns: what could not be removed. The next sweep tries again.
    package func sweepEphemeral() -> [VMError] {
        var failures: [VMError] = []
        do throws(VMError) {
            try EphemeralMark.sweep(paths) { abandoned in
                let vm = Machine(name: abandoned.name, file: "", site: self)
                do throws(VMError) {
                    if let kept = abandoned.kept, try vm.stays(since: kept) { return false }
                    let isGone = try vm.removeEphemeral()
                    // It may have been about to become a warm image.
                    if isGone { try WarmCache(self).sweepHalves() }
                    return isGone
                } catch {
                    failures.append(error)
                    return false
                }
            }
        } catch { failures.append(error) }
        return failures
    }
}

extension VMError {
    /// The same error once this VM is gone: no hint leads to it, nor to its files.
    func without(_ vm: VMName) -> VMError {
        var error = self
        if let remedy, "\(remedy)".contains(vm.description) { error.remedy = nil }
        return error
    }
}

extension Machine {
    /// Whether a command has begun to stop a VM that was started once.
    func isBeingStopped() throws(VMError) -> Bool {
        do throws(Errno) {
            return try HistoryFile(self).events().contains {
                $0.source == .kvmctl && $0.name == VMEvent.Deed.stop.rawValue
            }
        } catch { throw .system(error, name.description, "can't tell from its history whether it is being stopped") }
    }

    /// How long it can be looked at why a kept VM has ended by itself.
    private static let remembrance = Duration.seconds(24 * 60 * 60)

    /// Whether a kept VM is not to be removed yet.
    fileprivate func stays(since kept: Moment) throws(VMError) -> Bool {
        let seen = observe()
        if try seen.isAlive { return true }
        // Who stopped it, however it ended then, needs it no more.
        if try isBeingStopped() { return false }
        let isOver = seen.endReason.map { [.quit, .killed].contains(ShutdownCause($0)) } ?? false
        return !isOver && Moment.now.microseconds - kept.microseconds < Self.remembrance.microseconds
    }

    /// Cuts its power, and removes all that is left of it. What its guest wrote is gone with QEMU.
    ///
    /// - Returns: false if its QEMU is being made at this moment: that can't be found yet.
    func removeEphemeral() throws(VMError) -> Bool {
        guard try cutPower() else { return false }
        // What can't be removed now is reported, and tried again, by the next command: it may be another VM's.
        _ = HostResource.sweep(paths, after: name, patience: .seconds(10))
        try directory.remove()
        try removeLogs()
        return true
    }

    /// Ends its QEMU without asking its guest.
    ///
    /// - Returns: false if its QEMU is being made at this moment: that can't be found yet.
    @discardableResult
    func cutPower() throws(VMError) -> Bool {
        let seen = observe()
        guard try seen.isAlive else { return true }
        guard let holder = seen.holder else { return false }
        guard let process = try process(holder) else { return true }
        process.signal(SIGKILL)
        guard process.waitForEnd(by: Deadline(in: .seconds(10))) else {
            throw VMError(
                .timedOut, name.description, "QEMU was sent SIGKILL and has not ended; it hangs in the kernel",
                remedy: "/proc/\(process.pid)/wchan says where: usually a disk does not respond")
        }
        return true
    }
}
