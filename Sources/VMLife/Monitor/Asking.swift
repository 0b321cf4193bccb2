import VMCore
import VMHost

extension Machine {
    /// One question to its monitor, which is free again afterwards.
    @discardableResult
    func ask<Reply>(_ request: QMPRequest<Reply>, by deadline: Deadline) throws(VMError) -> Reply {
        do throws(MonitorSession.Failure) {
            var session = try monitor(by: deadline)
            return try session.execute(request, by: deadline)
        } catch { throw error.error(of: name) }
    }

    /// Talks with the agent of a guest that runs.
    ///
    /// Not within `operate`: a guest that takes its time would keep a `stop` waiting. The agent lock is enough.
    ///
    /// - Parameter consequence: what is not possible otherwise, such as "its file systems can't be trimmed".
    func askAgent<Answer>(
        or consequence: String, _ ask: (inout GuestAgent) throws(GuestAgent.Failure) -> Answer
    ) throws(VMError) -> Answer {
        let seen = try running(or: consequence)
        try refuseStandstill(seen.state, so: "its guest agent can't answer")
        do throws(GuestAgent.Failure) {
            var agent = try agent(by: Deadline(in: .seconds(5)))
            return try ask(&agent)
        } catch { throw self.error(of: error) }
    }
}
