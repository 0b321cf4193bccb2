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
        // A shell takes longer: it is for what the program does not do, or where the guest does not execute it.
        var (renewal, isScript): (Int64, Bool)
        do throws(GuestAgent.Failure) {
            if hostname == nil, let begun = try turns.beginProgram() {
                (renewal, isScript) = (begun, false)
            } else {
                (renewal, isScript) = (try beginScript(turns), true)
            }
        } catch { throw failed(error) }
        // The guest is busy meanwhile.
        try plugNICs()
        var code: Int32
        do throws(GuestAgent.Failure) {
            code = try turns.wait(for: renewal)
            if code != 0, !isScript { code = try turns.wait(for: try beginScript(turns)) }
        } catch { throw failed(error) }
        if code != 0 { try judge(code) }
        do throws(GuestAgent.Failure) { try awaitNICs(turns) } catch { throw failed(error) }
    }

    private func beginScript(_ turns: AgentTurns) throws(GuestAgent.Failure) -> Int64 {
        try turns.beginRenewal(hostname: hostname ?? "", machineID: hostname.map { _ in Self.newMachineID } ?? "")
    }

    /// Warns of what a guest can do without. One that would be taken for another is of no use, if an identity is wanted.
    private func judge(_ code: Int32) throws(VMError) {
        let fault = Renewal.Fault(rawValue: code)
        switch fault {
        case .mayRepeat:
            tell(
                "\(vm.name): the guest's random numbers may repeat those of another one for a minute: its kernel has no "
                    + "driver for vmgenid, and it executes no program that kvmctl gives it")
        case .bootID: tell("\(vm.name): the guest keeps the boot id of the others: its /proc/sys can't be mounted on")
        case .noPlace:
            tell(
                "\(vm.name): the guest could not be given random numbers of its own, nor, maybe, the time: its /run can't "
                    + "be written")
        case nil where hostname == nil:
            tell("\(vm.name): the guest could not be given random numbers and the time: its /bin/sh exits with \(code)")
        case .hostName, .machineID, nil:
            let missing =
                switch fault {
                case .hostName: "a host name of its own: /proc/sys/kernel/hostname or /etc/hostname can't be written"
                case .machineID: "a machine-id of its own: /etc/machine-id can't be written"
                default: "an identity of its own: its /bin/sh exits with \(code)"
                }
            throw VMError(.unavailable, vm.name.description, "the guest could not be given \(missing)")
        }
    }

    /// 128 random bits in hexadecimal digits (machine-id(5)).
    private static var newMachineID: String { UUID.random().description.filter { $0 != "-" } }

    /// Plugs the NICs of the model, with the MACs of this VM.
    private func plugNICs() throws(VMError) {
        guard !file.params.nics.isEmpty else { return }
        let request = ChangeRequest(scope: .machine, context: context)
        try vm.whileChangingOwn(request) { running throws(VMError) in
            guard var running else { return }
            for (done, nic) in file.params.nics.enumerated() {
                // It was looked at a moment ago. The guest is to find one after the other, since it names them in that order.
                if done > 0 {
                    _ = isDriven(file.params.nics[done - 1], by: Deadline(in: Self.patience))
                    try running.update()
                }
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

    /// How long a guest may take to find a NIC. One may have no driver.
    private static let patience = Duration.seconds(3)

    /// Waits until the guest has its NICs, as what is run next would look for them. Where QEMU does not know, a script looks for them.
    private func awaitNICs(_ turns: AgentTurns) throws(GuestAgent.Failure) {
        let own = Identity(file.params, machineID: "")
        let deadline = Deadline(in: Self.patience)
        let unknown = file.params.nics.filter { !isDriven($0, by: deadline) }
        guard !unknown.isEmpty, !deadline.hasPassed else { return }
        try turns.run(Renewal.awaiting, unknown.map { "\($0.mac?.value ?? own.mac(nic: $0.index))" })
    }

    /// Waits until the guest's driver uses a NIC, which it does once it has told the guest of it; false if QEMU can't tell.
    private func isDriven(_ nic: VMParams.NIC, by deadline: Deadline) -> Bool {
        guard nic.model.value == .virtio else { return false }
        while true {
            let state = try? vm.talk { session throws(MonitorSession.Failure) in
                try session.execute(.isDriven("nic\(nic.index)"), by: deadline)
            }
            guard let state, !state, !deadline.hasPassed else { return state ?? false }
            pause(.milliseconds(5))
        }
    }
}

extension AgentTurns {
    /// Begins to give the guest the time and new random numbers.
    ///
    /// - Returns: the program's pid; nil: it is not in the guest, or can't be executed.
    fileprivate func beginProgram() throws(GuestAgent.Failure) -> Int64? {
        do throws(GuestAgent.Failure) {
            return try talk { (agent, deadline) throws(GuestAgent.Failure) in
                try agent.execute(.execute(Renewal.program, [], input: Self.newInput), by: deadline)
            }
        } catch .refused { return nil }
    }

    /// Begins the same by a script, which gives it a new name and machine-id too if they are not empty.
    ///
    /// - Returns: the script's pid.
    func beginRenewal(hostname: String = "", machineID: String = "") throws(GuestAgent.Failure) -> Int64 {
        let now = String(Moment.now.microseconds / 1_000_000)
        return try begin(
            Renewal.script, [now, String(Reseeding.program.count), hostname, machineID],
            input: Reseeding.program + Self.newInput)
    }

    private static var newInput: [UInt8] {
        let seed = (0..<Reseeding.count).map { _ in UInt8.random(in: .min ... .max) }
        return Reseeding.input(seed, microseconds: Moment.now.microseconds)
    }
}
