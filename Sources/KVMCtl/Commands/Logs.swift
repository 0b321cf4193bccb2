import ArgumentParser
import Glibc
import VMCore
import VMLife

/// `kvmctl logs`.
struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", _superCommandName: Root.name,
        abstract: "Show a VM's logs: its serial console, its firmware's, QEMU's messages, or its flight record.")

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @Flag(
        help:
            "Which log: the guest's serial console, its firmware's debug port, QEMU's messages, or the VM's QMP events."
    )
    var kind: LogKind = .console

    @Option(name: [.customShort("n"), .long], help: "Only the last N lines.", transform: OptionValue.lines)
    var lines: Int?

    @Flag(
        name: .shortAndLong,
        help: "Keep printing as the log grows, until the VM has not run for 10 s, or you interrupt it.")
    var follow = false

    @Flag(help: "Show the log of the run before the last start.")
    var previous = false

    @OptionGroup var quiet: QuietOption

    func validate() throws {
        if follow, previous { throw ValidationError("--follow and --previous exclude each other") }
    }

    func run() throws {
        let machine = try Site.current.find(vm)
        var log = try machine.log(kind, previous: previous, lastLines: lines)
        var end = try machine.endOfRun()
        // A guest's output can hold escape sequences. They are made visible on a terminal, and left as they are
        // elsewhere.
        var shown = isatty(STDOUT_FILENO) == 1 ? PrintableStream(keeping: ["\t", "\n", "\r"]) : nil
        while true {
            // Looked for before the read, which then finds the last that was written.
            let isOver = !follow || end.isOver()
            let bytes = try log.next()
            if bytes.isEmpty {
                guard !isOver, ResultStream.isOpen(for: .milliseconds(100)) else { break }
            } else {
                guard try ResultStream.write((shown?.show(bytes)).map { Array($0.utf8) } ?? bytes) else { return }
            }
        }
        if let rest = shown?.finish() { _ = try ResultStream.write(Array(rest.utf8)) }
    }
}

extension LogKind: EnumerableFlag {}
