import Glibc
import SystemPackage
import VMCore
import VMHost

/// A QEMU that was executed and did not get as far as running its machine.
struct FailedStart {
    let plan: LaunchPlan
    let paths: Paths
    /// How long it had.
    let timeout: Duration

    /// How far it came.
    enum Stage: String {
        case making = "it was executed, and its monitor has not answered since"
        case describing = "the machine is made, and its monitor went silent when it was asked for the display"
        case running = "the machine is made, and its monitor went silent when it was told to run it"
    }

    /// Ends what there is of QEMU, and says why it came no further, and what it printed.
    func error(_ child: Child, in stage: Stage, _ failure: MonitorSession.Failure) -> VMError {
        // QEMU closes its monitor on its way to the end: then that end is its own, and tells more than ours would.
        var end: Child.End?
        if case .qemu(let seen) = failure, seen.mayBeTheEnd {
            end = child.reap(by: Deadline(in: .seconds(5)))
        }
        if end == nil {
            child.kill()
            child.reap(by: Deadline(in: .seconds(5)))
            // Where QEMU is a script, what it has started is killed with it, and takes a moment longer.
            RuntimeDirectory(plan.name, in: paths).life.awaitRelease(by: Deadline(in: .seconds(1)))
        }
        let log = paths.qemuLog(plan.name)
        let printed = QEMUMessages((try? readTail(log, limit: 4096)) ?? [], naming: plan.descriptors)
        let lastWords = printed.lines.isEmpty ? ["QEMU printed nothing"] : printed.lines
        if let end { return error(of: end, printed, lastWords) }
        guard case .qemu(.silent) = failure else {
            var error = failure.error(of: plan.name)
            error.details = lastWords
            return error
        }
        return tooLate(stage, lastWords)
    }

    private func tooLate(_ stage: Stage, _ lastWords: [String]) -> VMError {
        let seconds = timeout.components.seconds
        return VMError(
            .timedOut, plan.file.string, "QEMU was not ready in \(seconds) s, and was ended: \(stage.rawValue)",
            remedy: .run(
                "a busy host needs longer", "kvmctl start --timeout \(max(60, seconds * 3))s \(plan.file)"),
            details: lastWords)
    }

    private func error(of end: Child.End, _ printed: QEMUMessages, _ lastWords: [String]) -> VMError {
        switch end {
        case .exited(let code):
            VMError(
                printed.code, plan.file.string, "QEMU can't start this VM: it ended with exit code \(code)",
                remedy: diskUser(printed) ?? printed.remedy, details: lastWords)
        case .killed(let signal):
            VMError(
                .unavailable, plan.file.string, "QEMU was killed by \(signalName(signal)) as it started",
                remedy: remedy(signal), details: lastWords)
        }
    }

    private func remedy(_ signal: CInt) -> Remedy? {
        switch signal {
        case SIGSYS: "its seccomp filter did that: a QEMUARG asks for something that the sandbox forbids"
        case SIGKILL: "\(command: "dmesg") says whether the kernel did that as memory ran out"
        default: nil
        }
    }

    /// Which of our own VMs has the disk that QEMU could not lock.
    private func diskUser(_ printed: QEMUMessages) -> Remedy? {
        guard printed.isDiskInUse else { return nil }
        let media = Set(plan.summary.media)
        // Only to say more of a failure: what can't be looked at is passed over.
        for other in (try? VMLocator(paths).startedNames()) ?? [] where other != plan.name {
            guard let manifest = try? Manifest.read(RuntimeDirectory(other, in: paths)),
                let disk = manifest.media.first(where: media.contains), Observation(other, in: paths).state.isAlive
            else { continue }
            return "the VM \(other) uses \(disk): start this one once that has been stopped"
        }
        return nil
    }
}

/// `SIGSYS`, or the number of a signal that QEMU is not known to die of.
func signalName(_ number: CInt) -> String {
    let names: [CInt: String] = [
        SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGILL: "SIGILL", SIGKILL: "SIGKILL",
        SIGSEGV: "SIGSEGV", SIGSYS: "SIGSYS", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ",
    ]
    return names[number] ?? "signal \(number)"
}
