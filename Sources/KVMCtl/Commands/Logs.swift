import ArgumentParser
import Glibc
import VMCore
import VMLife

/// `kvmctl logs`.
struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", _superCommandName: Root.name,
        abstract: "Show what a VM wrote: its serial console, QEMU's messages, or its flight record.")

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @Flag(help: "The log: the guest's serial console, QEMU's messages, or the QMP events of the VM's life.")
    var kind: LogKind = .console

    @Option(name: [.customShort("n"), .long], help: "Only the last N lines.", transform: OptionValue.lines)
    var lines: Int?

    @Flag(name: .shortAndLong, help: "Go on as it grows, until interrupted.")
    var follow = false

    @Flag(help: "The run before the last start.")
    var previous = false

    func validate() throws {
        if follow, previous { throw ValidationError("--follow goes without --previous") }
    }

    func run() throws {
        let vm = try VMLocator(try Places.current()).find(vm)
        let place = try Places.inventory().place(of: vm)
        var log = try LogReader(kind, of: vm.name, previous: previous, lastLines: lines, in: place)
        // What a guest wrote can hold escape sequences: they are shown on a terminal, and left alone elsewhere.
        var shown = isatty(STDOUT_FILENO) == 1 ? PrintableStream(keeping: ["\t", "\n", "\r"]) : nil
        while true {
            let bytes = try log.next()
            if bytes.isEmpty {
                guard follow, ResultStream.isOpen(for: .milliseconds(100)) else { break }
            } else {
                guard try ResultStream.write((shown?.show(bytes)).map { Array($0.utf8) } ?? bytes) else { return }
            }
        }
        if let rest = shown?.finish() { _ = try ResultStream.write(Array(rest.utf8)) }
    }
}

extension LogKind: EnumerableFlag {}
