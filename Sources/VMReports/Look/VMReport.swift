import BridgeNet
import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl show`: everything that is known about a VM, with its disks, its process, and the places of its logs and sockets.
package struct VMReport: ObjectReport {
    private let entry: VMEntry
    private let age: Duration?
    private let details: VMDetails
    private let showsPlaces: Bool
    private let guest: GuestEvidence?
    private let places: [(key: String, title: String, path: FilePath)]

    /// Reports on a VM.
    ///
    /// - Parameters:
    ///     - guest: What its guest shows; nil: nobody looked.
    ///     - showsPlaces: Whether people are told the places of its logs and sockets too.
    package init(_ entry: VMEntry, _ details: VMDetails, guest: GuestEvidence? = nil, showsPlaces: Bool = false) {
        self.init(entry, details, age: entry.process?.age, guest: guest, showsPlaces: showsPlaces)
    }

    /// Reports on a VM.
    ///
    /// - Parameters:
    ///     - age: How long its process has been running.
    ///     - guest: What its guest shows; nil: nobody looked.
    ///     - showsPlaces: Whether people are told the places of its logs and sockets too.
    package init(
        _ entry: VMEntry, _ details: VMDetails = VMDetails(media: []), age: Duration?, guest: GuestEvidence? = nil,
        showsPlaces: Bool = false
    ) {
        (self.entry, self.age, self.details) = (entry, age, details)
        (self.guest, self.showsPlaces) = (guest, showsPlaces)
        places = VMName(entry.name).map { Self.places($0, entry.place, isAdopted: details.isAdopted) } ?? []
    }

    private static func places(
        _ name: VMName, _ paths: Paths, isAdopted: Bool
    ) -> [(key: String, title: String, path: FilePath)] {
        let run = paths.machine(name)
        return [
            ("consoleLog", "console log", paths.consoleLog(name)), ("qemuLog", "QEMU log", paths.qemuLog(name)),
            ("record", "flight record", paths.record(name)),
            ("qmpSocket", "QMP socket", run.appending(isAdopted ? "adopted.sock" : "qmp.sock")),
            ("serialSocket", "serial socket", run.appending("serial.sock")),
            ("agentSocket", "agent socket", run.appending("agent.sock")),
        ]
    }

    /// What a VM is.
    package var schema: Schema { .vm }

    /// Those of `list`, the details, and the paths.
    package var members: Members {
        places.reduce(into: entry.members(age: age).merging(details.members) { $1 }) {
            $0[$1.key] = .string($1.path.string)
        }
        .merging([
            "crashRecord": .optional(entry.crashRecord?.string), "crash": entry.lastWords?.json ?? .null,
            "guest": guest?.json ?? .null,
        ]) { own, _ in own }
    }

    /// A line for each thing that is known, in groups.
    package var text: [TextBlock] {
        let places = showsPlaces ? self.places.map { ($0.title, $0.path.string) } : []
        let groups = [description, machine, details.rows, network, guest?.rows ?? [], places].filter { !$0.isEmpty }
        let width = groups.joined().map(\.0.count).max() ?? 0
        let blocks = groups.map { rows in
            rows.map { key, value in
                TextBlock.lines(key + String(repeating: " ", count: width - key.count + 2) + value)
            }
        }
        return Array(blocks.joined(separator: [""]))
    }

    private var description: [(String, String)] {
        var rows = [
            ("name", entry.name), ("state", state),
            ("params", entry.file.isEmpty ? "-" : entry.file.string),
        ]
        if let next = entry.nextName { rows.append(("next name", "\(next), from its next start")) }
        if let keys = entry.pending, !keys.isEmpty {
            let names = keys.map(\.description).joined(separator: ", ")
            rows.append(("pending", "\(names): \(command: "kvmctl diff \(entry.name)")"))
        }
        if details.isAdopted {
            rows.append(
                (
                    "adopted",
                    "kvmctl did not start it: until its restart no console, agent, logs or events; its devices are those of its file"
                ))
        }
        if let note = entry.vm?.note { rows.append(("description", note)) }
        if let tags = entry.vm?.tags, !tags.isEmpty { rows.append(("tags", tags.joined(separator: ", "))) }
        if entry.vm?.isProtected == true {
            rows.append(
                ("protected", "rm, reset, nmi, stop --now, restart --hard and start --discard-suspended need --force"))
        }
        if entry.vm?.isTemplate == true { rows.append(("template", "not started: VMs are made of it")) }
        if entry.isEnabled == true { rows.append(("enabled", "starts with the host")) }
        if let order = details.order { rows.append(("autostart", order)) }
        if entry.isStray { rows.append(("run-time files", "removed: the VM can be stopped, but not asked")) }
        if let reason = entry.pauseReason { rows.append(("paused by QEMU", reason.description)) }
        if let saved = details.suspension {
            rows.append(("suspended", "\(saved.at.local), \(saved.size.short) in \(saved.memory)"))
        } else if let reason = entry.endReason {
            rows.append(("last end", VMEvent.words(ofEnd: reason)))
        }
        if let words = entry.lastWords {
            rows += [("cause", words.cause), ("what to do", words.remedy.description)]
        }
        if let record = entry.crashRecord { rows.append(("last crash", record.string)) }
        if let fault = entry.fault { rows.append(("fault", fault)) }
        if let uuid = entry.vm?.uuid { rows.append(("UUID", uuid)) }
        return rows
    }

    /// With the time since its start, of which it may have been in this state for a part only.
    private var state: String {
        let word = entry.state.rawValue
        return age.map { entry.state == .running ? "\(word) for \($0.short)" : "\(word), started \($0.short) ago" }
            ?? word
    }

    private var machine: [(String, String)] {
        let cpus = entry.cpusText + (entry.vm?.cpuSet.map { ", on the host's \($0)" } ?? "")
        // QEMU's own is in it: it may be more than the guest's.
        let inUse = details.usage.map { "; QEMU uses \($0.memory.short) of the host's" } ?? ""
        var rows = [("memory", entry.memoryText + inUse), ("CPUs", cpus), ("VNC", display)]
        if let accelerator = entry.vm?.accelerator { rows.append(("accelerator", accelerator)) }
        if let process = entry.process {
            if let start = entry.startedAt { rows.append(("started", start.local)) }
            let usage = details.usage.map { ", uid \($0.uid), \($0.processorTime.short) of CPU time" } ?? ""
            rows.append(("process", "pid \(process.pid)\(usage)"))
        }
        return rows
    }

    private var network: [(String, String)] {
        (entry.vm?.nics ?? []).flatMap { nic in
            let parts =
                [nic.network.description, nic.mac?.description, nic.tap].compactMap(\.self) + nic.settings.words
            let addresses = entry.addresses.filter { $0.nic == nic.index }.map { ("  address", $0.text) }
            return [("NET\(nic.index)", parts.joined(separator: ", "))] + addresses
        } + (entry.vm?.forwards ?? []).map { ("forward", $0.short) }
    }

    /// The display, with its protection.
    private var display: String {
        guard let vnc = entry.vm?.vnc else { return "-" }
        let place = entry.process == nil ? "" : ": \(command: "kvmctl vnc \(entry.name)")"
        return "\(entry.vncText), \(vnc.hasPassword ? "with a password\(place)" : "without a password")"
    }
}

extension VMDetails {
    /// How it starts with the host; nil: its file does not say.
    fileprivate var order: String? {
        guard let service else { return nil }
        let words = [
            service.autostart.value ? "yes" : nil,
            service.after.map { "after \($0.value.map(\.description).joined(separator: ", "))" },
            service.delay.map { "\($0.value.components.seconds)s later" },
        ].compactMap(\.self)
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }

    private func isServed(_ share: VMParams.Share) -> Bool { !endedShares.contains(KeyName(.share, share.index)) }

    /// A line for each disk and shared directory, and the kernel.
    fileprivate var rows: [(String, String)] {
        media.map { medium in
            let size = medium.size.map { size in
                ", \(size.short)" + (medium.allocated.map { " (\($0.short) in use)" } ?? "")
            }
            let base = medium.backing.map { ", over \($0)" }.joined()
            return (medium.key ?? "medium", "\(medium.path), \(medium.format.rawValue)\(size ?? "")\(base)")
        }
            + shares.map { share in
                let end = isServed(share) ? "" : ", its server has ended: restart the VM"
                return ("SHARE\(share.index)", share.directory.value.text + end)
            }
            + [
                ("kernel", kernel?.image.value.string), ("initrd", kernel?.initrd?.value.string),
                ("append", kernel?.commandLine?.value), ("user-data", cloudInit?.userData?.value.string),
                ("network-config", cloudInit?.networkConfig?.value.string), ("host name", cloudInit?.hostname?.value),
            ].compactMap { key, value in value.map { (key, $0) } }
    }

    private var seed: JSON {
        guard let cloudInit else { return .null }
        return [
            "userData": .optional(cloudInit.userData?.value.string),
            "network": .optional(cloudInit.networkConfig?.value.string),
            "hostName": .optional(cloudInit.hostname?.value),
        ]
    }

    /// The members of kvmctl.vm/2 that only `show` has, besides paths.
    fileprivate var members: Members {
        [
            "disks": .array(
                media.map { medium in
                    [
                        "key": .optional(medium.key), "path": .string(medium.path.string),
                        "format": .string(medium.format.rawValue), "size": .optional(medium.size?.bytes),
                        "allocated": .optional(medium.allocated?.bytes),
                        "backing": .strings(medium.backing),
                    ]
                }),
            "shares": .array(
                shares.map {
                    [
                        "key": .string("SHARE\($0.index)"), "path": .string($0.directory.value.path.string),
                        "tag": .string($0.directory.value.tag), "readOnly": .bool($0.directory.value.isReadOnly),
                        "served": .bool(isServed($0)),
                    ]
                }),
            "kernel": .optional(kernel?.image.value.string), "initrd": .optional(kernel?.initrd?.value.string),
            "append": .optional(kernel?.commandLine?.value), "cloudInit": seed, "uid": .optional(usage?.uid),
            "cpuTime": .optional(usage?.processorTime.components.seconds),
            "autostart": service.map { .bool($0.autostart.value) } ?? .null,
            "startAfter": .strings(service?.after?.value ?? []),
            "autostartDelay": .optional(service?.delay?.value.components.seconds),
            "memoryInUse": .optional(usage?.memory.bytes), "adopted": .bool(isAdopted),
            "suspension": suspension.map {
                ["time": .string($0.at.second), "size": .integer($0.size.bytes), "path": .string($0.memory.string)]
            } ?? .null,
        ]
    }
}

extension SharedDirectory {
    /// For people.
    var text: String { "\(path), tag \(tag)\(isReadOnly ? ", read-only" : "")" }
}
