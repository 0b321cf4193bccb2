import SystemPackage

extension RuntimeDirectory {
    /// Ends a QEMU whose start was cut short: it never ran, so there is nothing to lose. To be called with the operation
    /// lock held: then whoever started it is gone.
    ///
    /// - Throws: `.busy` if it does not end.
    func removeLeftover(_ paths: Paths) throws(VMError) {
        let deadline = Deadline(in: .seconds(10))
        while Observation(name, in: paths).state == .starting {
            // Between fork and exec the child holds the lock and has not signed it yet: then look again.
            if let holder, let process = ProcessHandle(holder) {
                process.kill()
                _ = process.waitForEnd(by: deadline)
            }
            guard !deadline.hasPassed else {
                throw VMError(
                    .busy, name.description, "a start that was cut short left a QEMU that does not end",
                    remedy: "`kvmctl show \(name)` names the process; end it")
            }
            pause(.milliseconds(2))
        }
    }

    /// Does something to the VM while nobody else changes its state.
    ///
    /// - Throws: `.timedOut` if another command keeps at it; what `body` throws.
    func operate<Result>(_ body: () throws(VMError) -> Result) throws(VMError) -> Result {
        let patience = Duration.seconds(90)
        let deadline = Deadline(in: patience)
        var file = try openLock()
        while true {
            guard try file.wait(for: .operation, of: self, by: deadline) else {
                throw VMError(
                    .timedOut, name.description,
                    "another command has been changing this VM for \(patience.components.seconds) s",
                    remedy: "`kvmctl show \(name)` says what state it is in")
            }
            // `rm` removes the file with its lock held: then it is the next file's lock that counts.
            if file.isStillAt(lockFile) { break }
            file = try openLock()
        }
        let result = try body()
        extendLifetime(file)
        return result
    }
}
