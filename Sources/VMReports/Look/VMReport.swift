import BridgeNet
import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl show`: everything that is known about a VM, with the places of its logs and sockets.
package struct VMReport: ObjectReport {
    private let entry: VMEntry
    private let age: Duration?
    private let places: [(key: String, title: String, path: FilePath)]

    /// Reports on a VM.
    package init(_ entry: VMEntry) { self.init(entry, age: entry.process?.age) }

    /// Reports on a VM.
    ///
    /// - Parameter age: How long its process has been running.
    package init(_ entry: VMEntry, age: Duration?) {
        (self.entry, self.age) = (entry, age)
        places = VMName(entry.name).map { Self.places($0, entry.place) } ?? []
    }

    private static func places(_ name: VMName, _ paths: Paths) -> [(key: String, title: String, path: FilePath)] {
        let run = paths.machine(name)
        return [
            ("consoleLog", "console log", paths.consoleLog(name)), ("qemuLog", "QEMU log", paths.qemuLog(name)),
            ("record", "flight record", paths.record(name)),
            ("qmpSocket", "QMP socket", run.appending("qmp.sock")),
            ("serialSocket", "serial socket", run.appending("serial.sock")),
            ("agentSocket", "agent socket", run.appending("agent.sock")),
        ]
    }

    /// What a VM is.
    package var schema: Schema { .vm }

    /// Those of `list`, and the paths.
    package var members: Members {
        places.reduce(into: entry.members(age: age)) { $0[$1.key] = .string($1.path.string) }
            .merging(["crashRecord": .optional(entry.crashRecord?.string)]) { own, _ in own }
    }

    /// A line for each thing that is known.
    package var text: [TextBlock] {
        let rows = description + machine + places.map { ($0.title, $0.path.string) } + fault
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { key, value in
            .lines(key + String(repeating: " ", count: width - key.count + 2) + value)
        }
    }

    private var description: [(String, String)] {
        var rows = [
            ("name", entry.name), ("state", entry.state.rawValue),
            ("params", entry.file.isEmpty ? "-" : entry.file.string),
        ]
        if let next = entry.nextName { rows.append(("next name", "\(next), from its next start")) }
        if let keys = entry.pending, !keys.isEmpty {
            let names = keys.map(\.description).joined(separator: ", ")
            rows.append(("pending", "\(names): \(command: "kvmctl diff \(entry.name)")"))
        }
        if let note = entry.vm?.note { rows.append(("description", note)) }
        if entry.isStray { rows.append(("run-time files", "removed: the VM can be stopped, but not asked")) }
        if let reason = entry.pauseReason { rows.append(("paused by QEMU", reason.description)) }
        if let reason = entry.endReason { rows.append(("last end", reason)) }
        if let record = entry.crashRecord { rows.append(("last crash", record.string)) }
        if let uuid = entry.vm?.uuid { rows.append(("UUID", uuid)) }
        return rows
    }

    private var machine: [(String, String)] {
        var rows = [("memory", entry.memoryText), ("CPUs", entry.cpusText), ("VNC", display)]
        if let process = entry.process {
            rows.append(("pid", "\(process.pid)" + (age.map { ", up \($0.short)" } ?? "")))
        }
        if let accelerator = entry.vm?.accelerator { rows.append(("accelerator", accelerator)) }
        for nic in entry.vm?.nics ?? [] {
            let parts =
                [nic.network.description, nic.mac?.description, nic.tap, nic.address].compactMap(\.self)
                + nic.settings.words
            rows.append(("NET\(nic.index)", parts.joined(separator: ", ")))
        }
        return rows + (entry.vm?.media ?? []).map { ("medium", $0.string) }
    }

    private var fault: [(String, String)] { entry.fault.map { [("fault", $0)] } ?? [] }

    /// The display, with its protection.
    private var display: String {
        guard let vnc = entry.vm?.vnc else { return "-" }
        let place = entry.process == nil ? "" : ": \(command: "kvmctl vnc \(entry.name)")"
        return "\(entry.vncText), \(vnc.hasPassword ? "with a password\(place)" : "without a password")"
    }
}
