import ArgumentParser
import VMCore

/// `kvmctl start`.
struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start VMs.",
        discussion: "Starting a VM that runs says so and succeeds.")

    @OptionGroup var targets: Targets

    @Option(help: "An ISO for this start; the machine boots it, once.", completion: .file(extensions: ["iso"]))
    var cdrom: String?

    @Flag(help: "Become QEMU, for systemd and CI; ends when the VM does.")
    var foreground = false

    @Option(
        help: "How long QEMU may take to get ready; default: 60s. Not with --foreground: nobody is left to look.",
        transform: OptionValue.duration)
    var timeout: Duration?

    @Flag(help: "Say how long each stage took.")
    var timings = false

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if cdrom == "" { throw ValidationError("--cdrom takes the path of an ISO") }
        if foreground, timeout != nil { throw ValidationError("--timeout goes without --foreground") }
        if foreground, targets.all || targets.vms.count != 1 { throw ValidationError("--foreground takes one VM") }
    }

    func run() throws {
        var results: [JSON] = []
        defer { if output.json { output.print(list: results) } }
        let options = StartOptions(
            cdrom: cdrom.map(absolutePath), foreground: foreground, timeout: timeout ?? .seconds(60))
        try targets.forEach { vm in
            let stopwatch = Stopwatch()
            let file = try VMFile(vm.file)
            stopwatch.lap(.parse)
            let starting = Starting(file, options: options, paths: try Places.current(), stopwatch: stopwatch)
            if dryRun.isOn {
                let plan = try starting.plan(to: .show(isRunning: try Places.isRunning(vm)))
                if output.json { results.append(plan.json) } else { print(plan.text) }
                plan.notices.forEach(Message.note)
                return
            }
            results.append(try start(vm, starting, stopwatch))
        }
    }

    private func start(_ vm: VMReference, _ starting: Starting, _ stopwatch: Stopwatch) throws -> JSON {
        let outcome: String
        switch try starting.start() {
        case .alreadyRunning(let process):
            outcome = "alreadyRunning"
            if cdrom != nil { Message.note("\(vm.name): --cdrom was not used; stop the VM first") }
            if !output.json { print("\(vm.name): already running\(process.map { ", pid \($0.pid)" } ?? "")") }
        case .started(let entry, let notices):
            outcome = "started"
            notices.forEach { Message.note("\(vm.name): \($0)") }
            if !output.json { print("\(vm.name): started\(Self.whereabouts(entry))") }
        }
        var result: [String: JSON] = [
            "schema": "kvmctl.start/1", "name": .string(vm.name.description), "result": .string(outcome),
        ]
        if timings {
            stopwatch.laps.forEach { Message.note("timing: \($0.stage.rawValue) \($0.spent.milliseconds) ms") }
            result["timings"] = .object(
                stopwatch.laps.reduce(into: [:]) { $0[$1.stage.rawValue] = .integer($1.spent.microseconds) })
        }
        return .object(result)
    }

    /// Where the new VM is to be found: its display and its taps.
    private static func whereabouts(_ entry: VMEntry) -> String {
        var parts: [String] = []
        if let vnc = entry.vnc, let port = vnc.port { parts.append("VNC at \(vnc.address):\(port)") }
        parts += entry.nics.compactMap { nic in
            nic.tap.map { "\($0) on \(nic.network.split(separator: ":").last ?? "")" }
        }
        return parts.isEmpty ? "" : ", " + parts.joined(separator: ", ")
    }
}
