import SystemPackage
import VMCore

/// What a change to a VM's devices came to, or would.
package struct DeviceChange: Equatable, Sendable {
    /// What is done to a device.
    package enum Deed: String, Sendable {
        case attach, detach, grow, insert, eject
    }

    /// How the machine is afterwards.
    package enum MachineState: String, Sendable {
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
    package var machine: MachineState
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
