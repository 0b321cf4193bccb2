import VMCore
import VMHost

/// The start of a command in a guest: the agent makes the spool files, and starts the shell with the script.
struct ExecutionStart {
    private let vm: Machine
    private let command: GuestCommand
    private let turns: AgentTurns
    private let base: String
    /// Why the agent could not make a spool file, in its words.
    private var refusal: String?

    private static let directory = "/run/kvmctl"

    init(_ command: GuestCommand, of vm: Machine, _ turns: AgentTurns) {
        (self.command, self.vm, self.turns) = (command, vm, turns)
        base = "\(Self.directory)/\(String(UInt64.random(in: .min ... .max), radix: 16))"
    }

    /// Starts it, when the others that are talking to the agent have had their turn.
    mutating func streams(
        from source: PieceSource?, to output: OutputStream, _ errors: OutputStream, besides file: HeldFile?
    ) throws(VMError) -> GuestStreams {
        var attempts = 6
        while true {
            do throws(GuestAgent.Failure) {
                let (pid, handles) = try begin()
                return GuestStreams(
                    turns, base: base, pid: pid, control: handles[0],
                    spools: zip(streamNames, handles.dropFirst()).map { (name: $0, handle: $1) }, from: source,
                    to: output, errors, besides: file)
            } catch .taken where attempts > 1 {
                attempts -= 1
            } catch {
                throw explained(error)
            }
        }
    }

    private var streamNames: [String] { command.mergesErrors ? ["out"] : ["out", "err"] }

    private mutating func begin() throws(GuestAgent.Failure) -> (pid: Int64, handles: [Int64]) {
        if let begun = try attempt() { return begun }
        // The first since the guest was booted.
        try turns.run(GuestCommand.placeScript, [Self.directory])
        guard let begun = try attempt() else { throw .refused(refusal) }
        return begun
    }

    /// Nil if the agent can't make the files, as without their directory. The script does nothing then.
    private mutating func attempt() throws(GuestAgent.Failure) -> (pid: Int64, handles: [Int64])? {
        let opens = (["ctl"] + streamNames).map { QMPRequest.openFile("\(base).\($0)", mode: "w+") }
        var input: [UInt8]?
        if case .given(let bytes) = command.input { input = bytes }
        let execution = QMPRequest.execute(
            "/bin/sh", ["-c", command.script] + command.arguments(spool: base), input: input)
        var refusal: String?
        let begun = try turns.talk { (agent, deadline) throws(GuestAgent.Failure) -> (Int64, [Int64]) in
            for open in opens { try agent.post(open, by: deadline) }
            try agent.post(execution, by: deadline)
            var handles: [Int64] = []
            for open in opens {
                do throws(GuestAgent.Failure) { handles.append(try agent.reply(to: open, by: deadline)) } catch {
                    // Only the agent's refusal leaves the other replies to be read.
                    guard case .refused(let words) = error, words?.contains("disabled") != true else { throw error }
                    refusal = words
                }
            }
            return (try agent.reply(to: execution, by: deadline), handles)
        }
        self.refusal = refusal
        return begun.1.count == opens.count ? begun : nil
    }

    private func explained(_ failure: GuestAgent.Failure) -> VMError {
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
