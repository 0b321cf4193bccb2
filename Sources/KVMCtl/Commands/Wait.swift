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
            Several VMs are waited for at the same time, and each is told of as soon as it is there; if some of them \
            fail, it exits with 1. With --all, the VMs that run; if none does, only --for stopped is met, else it exits \
            with 75. Nothing is executed in the guest.
            """)

    @OptionGroup var targets: RunningTargets

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
        let ended = EndedWaits()
        try output.list(.wait) { results in
            var isAnyMeant = false
            try targets.forEach(
                results,
                { vm -> GuestWait? in
                    isAnyMeant = true
                    try vm.refuseAnothers()
                    if wish.conditions.contains(.ip), let note = vm.noteOnAddress { Message.note(note, about: vm.name) }
                    return GuestWait(vm, for: wish, by: deadline, endingIn: ended)
                }, holding: Waiting.descriptors, next: ended.next
            ) { try $0.report(to: output, results) }
            if !isAnyMeant { try refuseNone(wish) }
        }
    }

    /// What `--all` comes to where no VM runs: one that is waited for will not come, and all of them are stopped.
    private func refuseNone(_ wish: Waiting.Wish) throws(VMError) {
        guard wish.isMetByNone else {
            throw VMError(
                .busy, "--all", "no VM runs: there is nothing to wait for",
                remedy: "start them first, or name those that are to come")
        }
        Message.note("no VM runs: there was nothing to wait for")
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
