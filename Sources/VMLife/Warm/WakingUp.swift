import FoundationEssentials
import VMCore
import VMHost

/// Makes a guest that goes on from a warm image one of its own, before anything is run in it.
struct WakingUp {
    let vm: Machine
    /// Its definition, with its NICs.
    let file: VMFile
    /// The host name that it gets, with a new machine-id; nil: it keeps those of the image.
    var hostname: String?
    let context: PlanningContext
    /// Receives what the user should know.
    let tell: (String) -> Void

    /// Gives the guest its NICs, the time, and random numbers of its own.
    func run(_ turns: AgentTurns) throws(VMError) {
        let failed = { [vm] (failure: GuestAgent.Failure) in failure.error(of: vm.name) }
        let own = Identity(file.params, machineID: "")
        let cards = file.params.nics.map { "\($0.mac?.value ?? own.mac(nic: $0.index))" }
        let renewal: Int64
        do throws(GuestAgent.Failure) {
            renewal = try turns.beginRenewal(
                hostname: hostname ?? "", machineID: hostname.map { _ in Self.newMachineID } ?? "", awaiting: cards)
        } catch { throw failed(error) }
        // The guest is busy meanwhile.
        try plugNICs()
        let code: Int32
        do throws(GuestAgent.Failure) { code = try turns.wait(for: renewal) } catch { throw failed(error) }
        guard code != 0 else { return }
        tell(
            code == Renewal.mayRepeat
                ? "\(vm.name): the guest's random numbers may repeat those of another one for a minute: its kernel has no "
                    + "driver for vmgenid, and it executes no program that kvmctl gives it"
                : "\(vm.name): the guest could not be given random numbers of its own, nor, maybe, the time: its /run can't "
                    + "be written")
    }

    /// 128 random bits in hexadecimal digits (machine-id(5)).
    private static var newMachineID: String { UUID().uuidString.lowercased().filter { $0 != "-" } }

    /// Plugs the NICs of the model, with the MACs of this VM.
    private func plugNICs() throws(VMError) {
        guard !file.params.nics.isEmpty else { return }
        let request = ChangeRequest(scope: .machine, context: context)
        try vm.whileChangingOwn(request) { running throws(VMError) in
            guard var running else { return }
            for (done, nic) in file.params.nics.enumerated() {
                // It was looked at a moment ago.
                if done > 0 { try running.update() }
                let only = file.params.only(nic: nic, called: vm.name.description)
                let facts = HostProbe(context: context, trust: file.trust).facts(for: only, options: StartOptions())
                let place = try running.hardware.place(in: vm.name)
                let plan: PlugPlan
                do throws(PlanRefusal) {
                    plan = try PlugPlan(only, into: running.hardware, at: place, facts: facts)
                } catch { throw error.error(of: file.params.written) }
                try running.plug(plan, file.trust, in: context)
            }
        }
    }
}

extension AgentTurns {
    /// Begins to give the guest the time and new random numbers, and a new name and machine-id if they are not empty.
    ///
    /// - Returns: the script's pid.
    func beginRenewal(hostname: String = "", machineID: String = "", awaiting cards: [String] = [])
        throws(GuestAgent.Failure) -> Int64
    {
        let seed = (0..<Reseeding.count).map { _ in UInt8.random(in: .min ... .max) }
        let now = String(Moment.now.microseconds / 1_000_000)
        return try begin(Renewal.script, [now, hostname, machineID] + cards, input: Reseeding.program(seed))
    }
}
