import ArgumentParser
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl wait`.
struct Wait: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", _superCommandName: Root.name,
        abstract: "Wait until guests are up, or for other conditions, or explain why they can't be met.",
        discussion: """
            Exits with 0 when all conditions are met, with --any when one is, for each VM. Exits with 124 after the \
            timeout, saying how far the guest came, what it showed, and what that means; with 69 at once when the guest \
            can't get there by itself: a kernel panic, GRUB's prompt, an emergency shell, nothing to boot, a power-off. \
            Several VMs are waited for at the same time; if some of them fail, it exits with 1. Nothing is executed in \
            the guest.
            """)

    @OptionGroup var targets: Targets

    @Option(name: .customLong("for"), help: .condition, transform: WaitOption.condition)
    var conditions: [WaitOption] = []

    @Flag(help: "One of the conditions is enough.")
    var any = false

    @Option(help: "How long to wait. Default: 5m.", transform: OptionValue.duration)
    var timeout: Duration = .seconds(300)

    @OptionGroup var output: OutputOptions

    func run() throws {
        let wish = conditions.wish(any: any)
        let deadline = Deadline(in: timeout)
        try output.list(.wait) { results in
            try targets.forEach(
                results,
                { vm -> GuestWait? in
                    // With --all, the VMs that run.
                    if targets.all, try !vm.mayRun() { return nil }
                    try vm.refuseAnothers()
                    if wish.conditions.contains(.ip), let note = vm.noteOnAddress { Message.note(note, about: vm.name) }
                    return GuestWait(vm, for: wish, by: deadline)
                }, holding: Waiting.descriptors
            ) { wait in
                if let wait { try wait.report(to: output, results) }
            }
        }
    }
}

/// A wait in progress. Each has its own thread: a VM whose QEMU does not answer holds up no other.
struct GuestWait {
    private let outcome: Background<Result<WaitOutcome, VMError>>

    init(_ vm: Machine, for wish: Waiting.Wish, by deadline: Deadline) {
        let waiting = vm.waiting(for: wish)
        outcome = Background { Result { () throws(VMError) in try waiting.outcome(by: deadline) } }
    }

    /// Waits for its end.
    func finish() throws -> WaitOutcome { try outcome.value.get() }

    /// Waits for its end, and reports that.
    ///
    /// - Throws: why it was not met.
    func report(to output: OutputOptions, _ results: VMResults) throws {
        let outcome = try finish()
        output.print(WaitReport(outcome), among: results)
        if let problem = outcome.problem { throw problem }
    }
}

/// A condition of `--for`, compiled.
struct WaitOption {
    var condition: WaitCondition
    var pattern: LinePattern?

    static func condition(_ text: String) throws -> WaitOption {
        let condition = try OptionValue.condition(text)
        guard case .serial(let pattern) = condition else { return WaitOption(condition: condition) }
        return WaitOption(condition: condition, pattern: try LinePattern(pattern))
    }
}

extension [WaitOption] {
    /// What they say; without any, that the guest is up.
    func wish(any: Bool = false) -> Waiting.Wish {
        Waiting.Wish(isEmpty ? [.boot] : map(\.condition), patterns: compactMap(\.pattern), any: any)
    }
}

extension ArgumentHelp {
    /// `--for`.
    static let condition: ArgumentHelp = ArgumentHelp(
        "What to wait for: running, stopped, boot, agent, ip, tcp:PORT, serial:/REGEX/. Default: boot. May be repeated.",
        valueName: "condition")
}
