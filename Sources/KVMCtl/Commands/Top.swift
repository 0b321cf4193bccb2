import ArgumentParser
import Glibc
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl top`.
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", _superCommandName: Root.name,
        abstract: "Show what VMs use: processors, memory, storage, network.",
        discussion: """
            100% of CPU is one of the host's processors; a VM that is paused or asleep says so there. MEMORY is what its \
            QEMU has of the host's memory, its own included, so that it can be more than OF, the guest's RAM. Rates are bytes a second: those of storage are QEMU's own, without \
            what the host's cache answers; those of the network are the guest's, and a card on QEMU's own network (user) has \
            none. No QEMU is asked, so one that hangs shows too. On a terminal it is drawn anew until q or Ctrl-C.
            """)

    @Argument(help: "The VMs; default: all that run.", completion: .vm)
    var vms: [String] = []

    @Flag(help: "Print once, after one interval; with --json one document.")
    var once = false

    @Option(
        name: [.customShort("n"), .customLong("count")], help: "Print so many times.", transform: OptionValue.lines)
    var count: Int?

    @Option(
        name: [.customShort("d"), .customLong("delay")], help: "The interval: seconds, 0.5 too, or such as 1m.",
        transform: OptionValue.interval)
    var delay: Duration = .seconds(2)

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if once, count != nil { throw ValidationError("--once excludes -n") }
        if count == 0 { throw ValidationError("-n is at least 1") }
        if delay < .milliseconds(100) { throw ValidationError("-d is at least 0.1s") }
    }

    func run() throws {
        var watch = UsageWatch(try Site.current, of: vms)
        _ = watch.look()
        // Said once, before anything is drawn.
        let unseen = watch.unseen
        unseen.merged.forEach(Message.error)
        let screen = once || output.json ? nil : TopScreen()
        if let screen {
            try draw(&watch, on: screen)
        } else {
            try printBlocks(&watch)
        }
        if let failure = SomeFailed(unseen) { throw failure }
    }

    private var times: Int { once ? 1 : count ?? .max }

    private func printBlocks(_ watch: inout UsageWatch) throws {
        for number in 0..<times {
            guard ResultStream.isOpen(for: delay) else { return }
            let report = TopReport(watch.look(), at: .now)
            if once { return output.print(report) }
            let text = output.json ? report.lines : (number > 0 ? "\n" : "") + report.rendered(as: .text)
            guard try ResultStream.write(Array(text.utf8)) else { return }
        }
    }

    private func draw(_ watch: inout UsageWatch, on screen: borrowing TopScreen) throws {
        // The first look has no rates to show; the second comes soon, so that there is something to see.
        guard screen.stays(for: min(delay, .milliseconds(500)), redrawing: {}) else { return }
        for number in 0..<times {
            let report = TopReport(watch.look(), at: .now)
            let text = report.rendered(as: .text)
            guard try screen.draw(text) else { return }
            guard number < times - 1, try screen.stays(for: delay, redrawing: { _ = try screen.draw(text) }) else {
                return
            }
        }
    }
}
