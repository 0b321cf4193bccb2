/// Something that happened to a VM, as QEMU or a kvmctl command recorded it.
package struct VMEvent: Equatable, Sendable {
    /// Who recorded it. A QEMU that a guest has taken over can record anything, but only as QEMU's.
    package enum Source: String, Sendable { case qemu, kvmctl }

    /// What commands record.
    package enum Deed: String, Sendable {
        /// A start, just before the machine runs.
        case start
        /// A stop, before anything is done.
        case stop
        /// A halt of its processors, their going on, a reset, a non-maskable interrupt.
        case pause, resume, reset, nmi
        /// Its memory was saved; its file systems were frozen or thawed.
        case suspend, freeze, thaw
        /// The taking over of a QEMU that kvmctl did not start.
        case adopt
        /// A crash that was found: QEMU ended without recording why.
        case crash
    }

    /// QEMU's name for it, such as `RESET`, or a `Deed`.
    package var name: String
    /// What else is known of it.
    package var data: JSON
    /// When, in microseconds since the epoch.
    package var microseconds: Int64
    /// Who recorded it.
    package var source: Source

    /// An event of QEMU's.
    package init(_ event: QMPEvent) {
        (name, data, microseconds, source) = (event.name, event.data, event.microseconds, .qemu)
    }

    /// What a command did.
    package init(_ deed: Deed, at microseconds: Int64, _ data: [String: JSON]) {
        (name, self.data, self.microseconds, source) = (deed.rawValue, .object(data), microseconds, .kvmctl)
    }

    /// Reads a line of a VM's history; nil if it is not one.
    package init?(line: some Sequence<UInt8>) {
        guard let json = try? JSON(parsing: line), let event = QMPEvent(json) else { return nil }
        self.init(event)
        if let source = json["source"]?.string.flatMap({ Source(rawValue: $0) }) { self.source = source }
    }

    /// The line, with its end.
    package var line: String {
        JSON.object([
            "event": .string(name), "data": data, "source": .string(source.rawValue),
            "timestamp": [
                "seconds": .integer(microseconds / 1_000_000), "microseconds": .integer(microseconds % 1_000_000),
            ],
        ]).text + "\n"
    }

    /// The events that a history tells of. A guest can cause thousands of others in a second.
    package static let told: Set<String> = [
        "RESUME", "STOP", "SUSPEND", "WAKEUP", "RESET", "POWERDOWN", "SHUTDOWN", "BLOCK_IO_ERROR", "GUEST_PANICKED",
        "WATCHDOG", "MEMORY_FAILURE",
    ]
}

extension [VMEvent] {
    /// The events in their order, each once.
    package var inOrder: [VMEvent] {
        let sorted = enumerated().sorted { ($0.element.microseconds, $0.offset) < ($1.element.microseconds, $1.offset) }
        var found: [VMEvent] = []
        for (_, event) in sorted {
            let twins = found.reversed().prefix { $0.microseconds == event.microseconds }
            if !twins.contains(event) { found.append(event) }
        }
        return found
    }
}
