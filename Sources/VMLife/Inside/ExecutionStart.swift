import VMCore
import VMHost

/// The start of a command in a guest: the agent starts the shell with its script and, if its output is to be followed, the keepers
/// of that, whose spool files it makes.
struct ExecutionStart {
    private let vm: Machine
    private let command: GuestCommand
    private let turns: AgentTurns
    /// The base name of the spool files.
    let base: String
    /// How long the guest takes to start a process.
    private(set) var pace = Duration.zero

    private static let directory = "/run/kvmctl"

    init(_ command: GuestCommand, of vm: Machine, _ turns: AgentTurns) {
        (self.command, self.vm, self.turns) = (command, vm, turns)
        base = "\(Self.directory)/\(String(UInt64.random(in: .min ... .max), radix: 16))"
    }

    /// Starts it, when the others that are talking to the agent have had their turn.
    ///
    /// - Returns: the pid of its shell, and the keepers if they have begun.
    mutating func begin() throws(VMError) -> (shell: Int64, kept: KeptOutput?) {
        var attempts = 6
        while true {
            do throws(GuestAgent.Failure) {
                // Its input is told of through a spool file.
                guard command.input == .pieces else { return (try execute(), nil) }
                let (shell, handles) = try open(beside: execution)
                return (shell, try keep(shell, handles))
            } catch .taken where attempts > 1 {
                attempts -= 1
            } catch {
                throw explained(error)
            }
        }
    }

    /// Has the keepers take the output of the command.
    func keep(_ shell: Int64) throws(GuestAgent.Failure) -> KeptOutput {
        let (pid, handles) = try open(beside: keeping(shell))
        return output(pid, handles)
    }

    private func keep(_ shell: Int64, _ handles: [Int64]) throws(GuestAgent.Failure) -> KeptOutput {
        let request = keeping(shell)
        let pid = try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            try agent.execute(request, by: deadline)
        }
        return output(pid, handles)
    }

    private func output(_ pid: Int64, _ handles: [Int64]) -> KeptOutput {
        KeptOutput(
            turns, keepers: pid, control: GuestSpool(stream: "ctl", of: base, handle: handles[0]),
            spools: zip(command.streams, handles.dropFirst()).map { GuestSpool(stream: $0, of: base, handle: $1) })
    }

    private var execution: QMPRequest<Int64> {
        var input: [UInt8]?
        if case .given(let bytes) = command.input { input = bytes }
        return .execute(
            "/bin/sh", ["-c", command.script] + command.arguments(spool: base), input: input, keepsOutput: true)
    }

    private func keeping(_ shell: Int64) -> QMPRequest<Int64> {
        let script = KeepingScript(command)
        return .execute("/bin/sh", ["-c", script.text] + script.arguments(spool: base, shell: shell))
    }

    private mutating func execute() throws(GuestAgent.Failure) -> Int64 {
        let request = execution
        let (pid, pace) = try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            let begun = ContinuousClock.now
            return (try agent.execute(request, by: deadline), ContinuousClock.now - begun)
        }
        self.pace = pace
        return pid
    }

    /// Has the agent make the spool files, and execute a script in the same turn.
    ///
    /// - Returns: the pid of the script, and the handles of the files, that of the control file first.
    private func open(beside script: QMPRequest<Int64>) throws(GuestAgent.Failure) -> (Int64, handles: [Int64]) {
        do throws(GuestAgent.Failure) { return try attempt(script) } catch .refused(let words) {
            guard words?.contains("disabled") != true else { throw .refused(words) }
            // The first since the guest was booted.
            try turns.run(KeepingScript.place, [Self.directory])
            return try attempt(script)
        }
    }

    /// - Throws: `refused` if the agent can't make the files, as without their directory. The script does nothing then.
    private func attempt(_ script: QMPRequest<Int64>) throws(GuestAgent.Failure) -> (Int64, handles: [Int64]) {
        let opens = (["ctl"] + command.streams).map { QMPRequest.openFile("\(base).\($0)", mode: "a+") }
        return try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            for open in opens { try agent.post(open, by: deadline) }
            try agent.post(script, by: deadline)
            var (handles, refusal): ([Int64], GuestAgent.Failure?) = ([], nil)
            for open in opens {
                do throws(GuestAgent.Failure) { handles.append(try agent.reply(to: open, by: deadline)) } catch {
                    // Only the agent's refusal leaves the other replies to be read.
                    guard case .refused(let words) = error, words?.contains("disabled") != true else { throw error }
                    refusal = error
                }
            }
            let pid = try agent.reply(to: script, by: deadline)
            if let refusal { throw refusal }
            return (pid, handles)
        }
    }

    /// The failure of a start, as an error of the VM.
    func explained(_ failure: GuestAgent.Failure) -> VMError {
        var error = failure.error(of: vm.name)
        guard case .refused(let words?) = failure else { return error }
        if words.contains("disabled"), !words.contains("frozen") {
            error.remedy = """
                in the guest, allow guest-exec, guest-exec-status and the guest-file commands in qemu-ga's \
                configuration (/etc/sysconfig/qemu-ga or /etc/qemu/qemu-ga.conf), and restart it
                """
        }
        return error
    }
}
