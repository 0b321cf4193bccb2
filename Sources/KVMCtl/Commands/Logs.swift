import ArgumentParser
import Glibc
import SystemPackage
import VMCore

/// `kvmctl logs`.
struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what a VM wrote: its serial console, QEMU's messages, or its flight record.")

    /// Which log.
    enum Kind: String, EnumerableFlag {
        case console, qemu, record
    }

    @Argument(help: "The VM.", completion: .file())
    var vm: String

    @Flag(help: "The log: the guest's serial console, QEMU's messages, or the QMP events of the VM's life.")
    var kind: Kind = .console

    @Option(name: [.customShort("n"), .long], help: "Only the last N lines.")
    var lines: Int?

    @Flag(name: .shortAndLong, help: "Go on as it grows, until interrupted.")
    var follow = false

    @Flag(help: "The run before the last start.")
    var previous = false

    func validate() throws {
        if let lines, lines < 0 { throw ValidationError("--lines takes a number from 0") }
        if follow, previous { throw ValidationError("--follow goes without --previous") }
    }

    func run() throws {
        let paths = try Places.current()
        let reference = try VMLocator(paths).find(vm)
        let current =
            switch kind {
            case .console: paths.consoleLog(reference.name)
            case .qemu: paths.qemuLog(reference.name)
            case .record: paths.record(reference.name)
            }
        let log = LogReader(previous ? FilePath("\(current).1") : current, vm: reference.name)
        // What a guest wrote can hold escape sequences: they are shown on a terminal, and left alone elsewhere.
        let isTerminal = isatty(STDOUT_FILENO) == 1
        try log.read(lastLines: lines, following: follow) { bytes in
            let shown =
                isTerminal
                ? Array(printable(String(decoding: bytes, as: UTF8.self), keeping: [9, 10, 13]).utf8) : bytes
            return Message.write(shown, to: STDOUT_FILENO)
        }
    }
}
