import ArgumentParser
import SystemPackage
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl events`.
struct Events: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", _superCommandName: Root.name,
        abstract: "Print what happened to VMs, and what happens, as one JSON object a line.",
        discussion: """
            QEMU's own events, and what kvmctl did. Without a VM, those of all VMs, in order. With --follow, the last 10 \
            and then each as it happens, also those of VMs that start later.
            """)

    @Argument(help: "The VMs; default: all.", completion: .vm)
    var vms: [String] = []

    @Flag(name: .shortAndLong, help: "Keep printing as things happen, until interrupted.")
    var follow = false

    @Option(
        help: "Only what happened since: `10m`, or a local time, `2026-11-27 08:00`.",
        transform: { try OptionValue.since($0) })
    var since: Moment?

    @Option(name: [.customShort("n"), .long], help: "Only the last N of what happened.", transform: OptionValue.lines)
    var lines: Int?

    @OptionGroup var quiet: QuietOption

    func run() throws {
        let site = try Site.current
        var sources = try (vms.isEmpty ? site.everLogged() : vms.map { try site.find($0) }).map { try $0.events() }
        var past: [Happening] = []
        for source in sources { past += try source.past().map { Happening(vm: source.vm.name, event: $0) } }
        past = past.inOrder.filter { event in since.map { event.event.microseconds >= $0.microseconds } ?? true }
        let most = lines ?? (follow && since == nil ? 10 : nil)
        guard try print(most.map { past.suffix($0) } ?? past[...]), follow else { return }
        while ResultStream.isOpen(for: .milliseconds(200)) {
            var news: [Happening] = []
            if vms.isEmpty { sources += try newcomers(site, besides: sources) }
            for source in sources { news += try source.more().map { Happening(vm: source.vm.name, event: $0) } }
            guard try print(news.inOrder[...]) else { return }
        }
    }

    private func newcomers(_ site: Site, besides sources: [EventSource]) throws -> [EventSource] {
        let known = Set(sources.map(\.vm.name))
        return try site.everLogged().filter { !known.contains($0.name) }.map { try $0.events() }
    }

    private func print(_ events: ArraySlice<Happening>) throws -> Bool {
        let text = events.map { EventReport($0.vm, $0.event).condensed(as: .json) + "\n" }.joined()
        return try ResultStream.write(Array(text.utf8))
    }
}

/// An event of one of several VMs.
private struct Happening {
    var vm: VMName
    var event: VMEvent
}

extension [Happening] {
    /// By time; those of one VM stay in their order.
    fileprivate var inOrder: [Happening] {
        enumerated().sorted {
            ($0.element.event.microseconds, $0.offset) < ($1.element.event.microseconds, $1.offset)
        }.map(\.element)
    }
}

extension OptionValue {
    /// A time in the past: how long ago, or by the clock on the wall.
    fileprivate static func since(_ text: String) throws -> Moment {
        if let moment = Moment(local: text) { return moment }
        guard let ago = try? duration(text) else {
            throw ValidationError("'\(text)' is neither a duration, such as 10m, nor a time, such as 2026-11-27 08:00")
        }
        return Moment(microseconds: Moment.now.microseconds - ago.microseconds)
    }
}
