import VMCore
import VMLife

/// `kvmctl cdrom`, `disk` and `nic`: what became of a device, or would.
package struct DeviceChangeReport: ObjectReport {
    private let name: VMName
    private let change: DeviceChange
    private let isDryRun: Bool

    /// Reports a change.
    package init(_ name: VMName, _ change: DeviceChange, dryRun isDryRun: Bool) {
        (self.name, self.change, self.isDryRun) = (name, change, isDryRun)
    }

    /// What a change to a device is.
    package var schema: Schema { .device }

    /// What was done to which device, and what the file says of it by now.
    package var members: Members {
        [
            "dryRun": .bool(isDryRun), "name": .string(name.description), "change": .string(change.deed.rawValue),
            "device": .string(change.device), "what": .optional(change.what),
            "machine": .string(change.machine.rawValue),
            "file": .array(change.edits.map { ["key": .string("\($0.key)"), "value": .optional($0.value)] }),
        ]
    }

    /// One line: what, and from when on.
    package var text: [TextBlock] {
        // An image grows, whatever the file and the machine are.
        let isDone =
            change.edits.isEmpty && (change.deed == .grow ? change.machine == .already : change.machine != .changed)
        let words = isDone ? "already \(change.deed.done)" : "\(isDryRun ? "would be " : "")\(change.deed.done)"
        let what = change.what.map { ": \($0)" } ?? ""
        return ["\(name): \(change.device) \(words)\(what)\(isDone ? "" : "; \(time)")"]
    }

    /// For people, what the user should know.
    package var remarks: [String] { change.notices.map { "\(name): \($0)" } }

    /// What holds now, and what from the next start.
    private var time: String {
        switch (change.machine, change.edits.isEmpty) {
        case (.changed, false): "now, and from the next start"
        case (.changed, true): change.deed == .grow ? "now; its file needed no change" : "now; its file is as it was"
        case (.already, _): "from the next start, as it is now"
        case (.notRunning, true): "its file needed no change"
        case (.notRunning, false): "from the next start"
        case (.untouched, _): "from the next start; the machine is as it was"
        }
    }
}

extension DeviceChange.Deed {
    fileprivate var done: String {
        switch self {
        case .attach: "attached"
        case .detach: "detached"
        case .grow: "grown"
        case .insert: "inserted"
        case .eject: "ejected"
        }
    }
}
