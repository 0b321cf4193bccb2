import VMCore
import VMLife

extension Starting {
    /// Starts the VM, and prints what the user should know besides the result.
    ///
    /// - Parameter ignoringCDROM: Whether an ISO was given, which a VM that already runs does not get.
    func startSayingNotices(of name: VMName, ignoringCDROM: Bool) throws(VMError) -> Outcome {
        let outcome = try start(tell: { $0.forEach { Message.note("\(name): \($0)") } })
        if ignoringCDROM, case .alreadyRunning = outcome {
            Message.note("\(name): the ISO was not used; stop the VM first")
        }
        return outcome
    }
}
