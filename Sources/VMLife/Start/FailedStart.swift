import Glibc
import SystemPackage
import VMCore
import VMHost

/// A QEMU that was executed but never ran its machine.
struct FailedStart {
    let plan: LaunchPlan
    let vm: Machine
    /// How long it was given.
    let timeout: Duration

    /// How far it got.
    enum Stage: String {
        case making = "it was executed, but its monitor has not answered"
        case describing = "it created the machine, but its monitor went silent when asked for the display"
        case loading = "it created the machine, and loads its saved state"
        case running = "it created the machine, but its monitor went silent when told to run it"
    }

    /// Kills QEMU if it is still there, and says why it got no further and what it printed.
    func error(_ child: Child, in stage: Stage, _ failure: MonitorSession.Failure) -> VMError {
        // QEMU closes its monitor as it exits. Its own exit status then tells more than killing it would.
        var end: Child.End?
        if case .qemu(let seen) = failure, seen.mayBeTheEnd {
            end = child.reap(by: Deadline(in: .seconds(5)))
        }
        if end == nil {
            child.kill()
            child.reap(by: Deadline(in: .seconds(5)))
            // If QEMU is a script, its children are killed with it, and take a moment longer.
            vm.directory.life.awaitRelease(by: Deadline(in: .seconds(1)))
        }
        let log = vm.paths.qemuLog(vm.name)
        let printed = QEMUMessages((try? readTail(log, limit: 4096)) ?? [], naming: plan.descriptors)
        let lastWords = printed.lines.isEmpty ? ["QEMU printed nothing"] : printed.lines
        if end != nil, plan.savedMemory != nil, printed.lines.contains(where: { $0.contains(Self.notLoaded) }) {
            return unloadable(lastWords)
        }
        if let end { return error(of: end, printed, lastWords) }
        guard case .qemu(.silent) = failure else {
            var error = failure.error(of: plan.name)
            error.details = lastWords
            return error
        }
        return tooLate(stage, lastWords)
    }

    /// What QEMU prints if it can't load a saved state (QEMU, migration/migration.c).
    private static let notLoaded = "load of migration failed"

    private func unloadable(_ lastWords: [String]) -> VMError {
        let path = plan.savedMemory?.string ?? plan.file.string
        if let image = plan.warmImage {
            return VMError(
                .badData, path, "QEMU can't load this warm image",
                remedy: .advice("remove it, with kvmctl warm rm \(image): then it is made anew"), details: lastWords)
        }
        return VMError(
            .badData, path, "QEMU can't load this saved state",
            remedy: .orDiscard("if the file was damaged, put the right one back"), details: lastWords)
    }

    private func tooLate(_ stage: Stage, _ lastWords: [String]) -> VMError {
        let seconds = timeout.components.seconds
        return VMError(
            .timedOut, plan.file.string, "QEMU was not ready in \(seconds) s and was killed: \(stage.rawValue)",
            remedy: .run(
                "a busy host needs longer", "kvmctl start --timeout \(max(60, seconds * 3))s \(plan.file)"),
            details: lastWords)
    }

    private func error(of end: Child.End, _ printed: QEMUMessages, _ lastWords: [String]) -> VMError {
        switch end {
        case .exited(let code):
            VMError(
                printed.complaint?.code ?? .unavailable, plan.file.string,
                "QEMU can't start this VM: it ended with exit code \(code)",
                remedy: diskUser(printed) ?? printed.complaint?.remedy, details: lastWords)
        case .killed(let signal):
            VMError(
                .unavailable, plan.file.string, "QEMU was killed by \(signalName(signal)) as it started",
                remedy: remedy(signal), details: lastWords)
        }
    }

    private func remedy(_ signal: CInt) -> Remedy? {
        switch signal {
        case SIGSYS: "its seccomp filter did that: a QEMUARG asks for something that the sandbox forbids"
        case SIGKILL: "\(command: "dmesg") says whether the kernel killed it because memory ran out"
        default: nil
        }
    }

    /// Names the other VM that uses the disk that QEMU could not lock.
    private func diskUser(_ printed: QEMUMessages) -> Remedy? {
        guard printed.complaint == .diskInUse else { return nil }
        let media = Set(plan.vm.media)
        // This only adds to an error, so what can't be read is skipped.
        let users = try? vm.site.started { name, manifest in
            name != vm.name && !media.isDisjoint(with: manifest.vm.media)
        }
        guard let user = users?.first, let disk = user.manifest.vm.media.first(where: media.contains) else {
            return nil
        }
        return "the VM \(user.vm.name) uses \(disk): stop that VM before you start this one"
    }
}

/// `SIGSYS`, or the number of a signal that QEMU does not usually die of.
func signalName(_ number: CInt) -> String {
    let names: [CInt: String] = [
        SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGILL: "SIGILL", SIGKILL: "SIGKILL",
        SIGSEGV: "SIGSEGV", SIGSYS: "SIGSYS", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ",
    ]
    return names[number] ?? "signal \(number)"
}
