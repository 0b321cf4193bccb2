import VMCore
import VMHost

/// The guest agent over a long time: what needs it again and again keeps its connection, which takes the guest some 50 ms to
/// notice, and gives it to other commands that wait for it.
final class AgentTurns {
    private let vm: Machine
    private let fate: GuestFate
    private var agent: GuestAgent?

    /// How long the agent may take to answer.
    private static let patience = Duration.seconds(10)
    /// The same once there is no more time.
    private static let lastPatience = Duration.seconds(3)
    /// How long others may have it before it is wanted back.
    private static let courtesy = Duration.milliseconds(100)

    /// When all of it should be over.
    var limit: Deadline?

    init(_ vm: Machine) {
        self.vm = vm
        fate = GuestFate(vm)
    }

    /// Connects while the guest does not run yet. An agent that was saved with a client finds one when it goes on; it would
    /// else notice that there is none, and sleep. If that fails, the first conversation connects.
    convenience init(connectingEarlyTo vm: Machine) {
        self.init(vm)
        agent = try? .connected(vm.directory, isForLong: true, by: Deadline(in: Self.patience))
    }

    /// Whether there is a connection, in which everything that was asked before has been answered.
    var isOpen: Bool { agent != nil }

    /// A conversation. If it fails, the next one has a connection of its own.
    func talk<Result>(
        _ body: (inout GuestAgent, Deadline) throws(GuestAgent.Failure) -> Result
    ) throws(GuestAgent.Failure) -> Result {
        let deadline = Deadline(
            in: limit.map { min(Self.patience, max(Self.lastPatience, $0.remaining)) } ?? Self.patience)
        var current = try connection(by: deadline)
        try current.synchronize(by: deadline)
        let result = try body(&current, deadline)
        agent = consume current
        return result
    }

    private func connection(by deadline: Deadline) throws(GuestAgent.Failure) -> GuestAgent {
        var taken: GuestAgent?
        swap(&taken, &agent)
        if let open = consume taken { return open }
        return try .open(vm.directory, isForLong: true, by: deadline)
    }

    /// Lets others talk to the agent.
    func end() { agent = nil }

    /// Lets others talk to it if they wait for that.
    func giveWay() {
        guard let isWanted = agent?.isWanted, isWanted else { return }
        end()
        pause(Self.courtesy)
    }

    /// Runs a short script in the guest, and returns its exit code.
    @discardableResult
    func run(_ script: String, _ arguments: [String]) throws(GuestAgent.Failure) -> Int32 {
        try wait(for: try begin(script, arguments))
    }

    /// Begins a short script in the guest, and returns its pid there.
    ///
    /// - Parameter input: what it reads; nil: /dev/null.
    func begin(_ script: String, _ arguments: [String], input: [UInt8]? = nil) throws(GuestAgent.Failure) -> Int64 {
        try talk { (agent, deadline) throws(GuestAgent.Failure) in
            try agent.execute(.execute("/bin/sh", ["-c", script, "kvmctl"] + arguments, input: input), by: deadline)
        }
    }

    /// Waits for the end of a script, and returns its exit code.
    func wait(for pid: Int64) throws(GuestAgent.Failure) -> Int32 {
        try talk { (agent, deadline) throws(GuestAgent.Failure) in
            // An answer takes an emulated guest some time, which the script lacks.
            var interval = Duration.milliseconds(2)
            while true {
                if case .ended(let code, _) = try agent.execute(.executionStatus(pid), by: deadline) { return code }
                if deadline.hasPassed { throw .silent }
                pause(interval)
                interval = min(interval * 2, .milliseconds(10))
            }
        }
    }

    /// Whether the VM's processors stand still, so that nobody in the guest can answer.
    var isPaused: Bool { vm.observe().state == .paused }

    /// How the guest ended with what runs in it, if it did.
    func end(of what: String) throws(VMError) -> VMError? { try fate.end(of: what, isNear: true) }

    /// Why the agent is of no use any more to what runs in the guest.
    ///
    /// - Parameter what: what is lost with it, such as `the command`.
    func loss(_ failure: GuestAgent.Failure, of what: String) -> VMError {
        let name = vm.name.description
        do throws(VMError) {
            if let end = try fate.end(of: what, isNear: failure == .closed) { return end }
        } catch {
            return error
        }
        if case .refused(let words) = failure {
            return VMError(
                .unavailable, name, "the guest agent knows nothing of \(what) any more: it was restarted",
                remedy: "see the log of qemu-guest-agent in the guest",
                details: words.map { ["it says: \(Printable.foreign($0))"] } ?? [])
        }
        var error = failure.error(of: vm.name)
        error.details.append("\(what) may still run in the guest")
        return error
    }
}
