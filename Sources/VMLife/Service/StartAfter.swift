import SystemPackage
import VMCore
import VMHost

extension Site {
    /// Whether a VM of this name runs, as far as can be told.
    package func runs(_ name: VMName) -> Bool {
        (try? Machine(name: name, file: "", site: self).observe().isAlive) == true
    }
}

extension Machine {
    /// Waits, before this VM starts, until those that its `START_AFTER` names are ready: until their guest agents answer.
    ///
    /// One that does not run is not waited for: the key gives the order only. Whether a guest has an agent at all can't be
    /// known before it answers, so each has the time that `StartOrder` gives it, from its own start. That is all the time
    /// that this takes, too, for however many.
    ///
    /// - Parameter tell: receives whom it waits for, and whom it went on without, and why.
    package func waitForEarlier(_ service: ServiceParams, tell: (String) -> Void) {
        for name in service.after?.value ?? [] {
            let earlier = Machine(name: name, file: "", site: site)
            do throws(VMError) {
                let seen = earlier.observe()
                guard try seen.isAlive, seen.state == .running else { continue }
                let limit = Deadline(in: StartOrder.patience - earlier.age)
                let failure = try earlier.waitForAgent(by: limit) {
                    let most = limit.remaining.components.seconds
                    tell("waits until the guest agent of \(name) answers, at most \(most)s")
                }
                if let failure { tell("does not wait for the guest agent of \(name) any longer: \(failure.cause)") }
            } catch { tell("does not wait for \(name): \(error.cause)") }
        }
    }

    /// How long its guest has been running; zero if that is not known, or its clock was set back.
    private var age: Duration {
        guard let head = try? readOwnFile(paths.record(name), limit: FlightRecord.head),
            let begun = RecordedEvents(head).told.first
        else { return .zero }
        return .microseconds(max(0, Moment.now.microseconds - begun.microseconds))
    }

    /// Waits until its guest agent answers, which is asked at least once. Nothing tells of it, so it is asked again and again.
    ///
    /// - Parameter tell: called if it does not answer at once.
    /// - Returns: why it does not answer; nil if it does.
    private func waitForAgent(by deadline: Deadline, tell: () -> Void) throws(VMError) -> GuestAgent.Failure? {
        var isFirst = true
        while true {
            let failure: GuestAgent.Failure
            do throws(GuestAgent.Failure) {
                _ = try agent(by: Deadline(in: .seconds(2)))
                return nil
            } catch { failure = error }
            if deadline.hasPassed { return failure }
            guard try observe().isAlive else { throw notRunning(so: "its guest agent can't be waited for") }
            if isFirst { tell() }
            isFirst = false
            pause(min(.milliseconds(500), deadline.remaining))
        }
    }
}
