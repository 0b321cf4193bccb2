import ArgumentParser
import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl show`.
struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", _superCommandName: Root.name,
        abstract: "Show everything that is known about VMs.")

    @OptionGroup var targets: Targets
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list("kvmctl.vm/1") { results in
            try targets.forEach(results) { vm in
                let details = VMDetails(vm.entry())
                if output.json { results.add(details.json) } else { print(details.text) }
                if let obstacle = details.entry.obstacle { throw obstacle }
            }
        }
    }
}

/// A VM's entry, and what only `show` prints.
struct VMDetails {
    let entry: VMEntry
    let files: [(key: String, path: String)]

    init(_ entry: VMEntry) {
        self.entry = entry
        guard let name = VMName(entry.name) else {
            files = []
            return
        }
        let place = entry.place
        let run = place.machine(name)
        files = [
            ("console log", place.consoleLog(name).string), ("QEMU log", place.qemuLog(name).string),
            ("flight record", place.record(name).string), ("QMP socket", run.appending("qmp.sock").string),
            ("serial socket", run.appending("serial.sock").string),
            ("agent socket", run.appending("agent.sock").string),
        ]
    }

    var json: JSON {
        guard case .object(var members) = entry.json else { return entry.json }
        let keys = ["consoleLog", "qemuLog", "record", "qmpSocket", "serialSocket", "agentSocket"]
        for (key, file) in zip(keys, files) { members[key] = .string(file.path) }
        return .object(members)
    }

    var text: String {
        var rows: [(String, String)] = [
            ("name", entry.name), ("state", entry.state.rawValue),
            ("params", entry.file.isEmpty ? "-" : entry.file.string),
        ]
        if entry.isStray { rows.append(("run-time files", "removed: the VM can be stopped, but not asked")) }
        if let reason = entry.endReason { rows.append(("last end", reason)) }
        if let uuid = entry.uuid { rows.append(("UUID", uuid)) }
        rows += [("memory", entry.memoryText), ("CPUs", entry.cpusText), ("VNC", entry.vncWords)]
        if let process = entry.process { rows.append(("pid", "\(process.pid), up \(process.age.short)")) }
        if let accelerator = entry.accelerator { rows.append(("accelerator", accelerator)) }
        for nic in entry.nics {
            let parts = [nic.network, nic.mac, nic.tap, nic.address].compactMap { $0 } + nic.settings.words
            rows.append(("NET\(nic.index)", parts.joined(separator: ", ")))
        }
        for path in entry.media { rows.append(("medium", path)) }
        rows += files.map { ($0.key, $0.path) }
        if let fault = entry.fault { rows.append(("fault", fault)) }
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { key, value in
            key + String(repeating: " ", count: width - key.count + 2) + value
        }.joined(separator: "\n")
    }
}
