import SystemPackage
import VMCore
import VMHost

/// What a change to a VM's devices came to, or would.
package struct DeviceChange: Equatable, Sendable {
    /// What is done to a device.
    package enum Deed: String, Sendable {
        case attach, detach, grow, insert, eject
    }

    /// How the machine is afterwards.
    package enum Now: String, Sendable {
        /// It was changed.
        case changed
        /// It was like that already.
        case already
        /// The VM does not run.
        case notRunning
        /// It was not to be changed.
        case untouched
    }

    /// What is done.
    package var deed: Deed
    /// To which device, as vm.params calls it: `DISK1`.
    package var device: String
    /// The image, or the network.
    package var what: String?
    /// The running machine.
    package var now: Now
    /// The lines that the file gets, and the keys that it loses; empty: it is as it was.
    package var edits: [ParamsEdit] = []
    /// What the user should know.
    package var notices: [String] = []
}

/// How a change is made, which all commands share.
package struct ChangeRequest {
    /// What it is made to.
    package var scope: ChangeScope
    /// Whether nothing is done.
    package var isDryRun: Bool
    /// How long the guest may take to let go of a device, or of a CD.
    package var patience: Duration
    /// The host and the other VMs.
    package var context: PlanningContext

    /// Describes a change; see the properties.
    package init(
        scope: ChangeScope, isDryRun: Bool = false, patience: Duration = .seconds(10), context: PlanningContext
    ) {
        self.scope = scope
        self.isDryRun = isDryRun
        self.patience = patience
        self.context = context
    }
}

extension Machine {
    /// Changes the file, then the machine. If the machine can't be changed, the file is as it was.
    ///
    /// In this order, because writing the old text again needs nobody's consent, and a guest may refuse to give a device
    /// back. A command that is killed in between leaves what the file says for the next start.
    func change(
        _ edits: [ParamsEdit], _ request: ChangeRequest, _ trust: FileTrust?, machine: () throws(VMError) -> Void
    ) throws(VMError) {
        var before: String?
        if !edits.isEmpty {
            try rewriteFile(trust: trust) { text throws(VMError) in
                before = text
                let new = try ParamsEdit.applying(edits, to: text)
                if let fault = VMParams.parse(Array(new.utf8), file: file).error { throw fault }
                return new
            }
        }
        do throws(VMError) { try machine() } catch {
            guard let before else { throw error }
            var failure = error
            do throws(VMError) { try rewriteFile(trust: trust) { _ in before } } catch {
                failure.details.append("the file is changed all the same, for the next start: \(error.summary)")
            }
            throw failure
        }
        if request.scope.includesMachine { try noteGiven(edits) }
    }
}
