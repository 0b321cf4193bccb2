extension VMEvent {
    /// What happened, for people; nil for what only programs want to know.
    package var words: String? {
        switch source {
        case .kvmctl: Deed(rawValue: name).map(words)
        case .qemu: Self.told.contains(name) ? wordsOfQEMU : nil
        }
    }

    private func words(of deed: Deed) -> String {
        switch deed {
        case .start:
            if data["resumed"]?.bool == true {
                "started by \(by): it goes on where it was suspended"
            } else if data["warm"]?.bool == true {
                "started by \(by), from a warm image"
            } else {
                "started by \(by)"
            }
        case .stop: data["now"]?.bool == true ? "\(by) stopped it without asking the guest" : "\(by) asked it to stop"
        case .pause: "paused by \(by)"
        case .resume: "resumed by \(by)"
        case .reset: "reset by \(by)"
        case .nmi: "sent a non-maskable interrupt by \(by)"
        case .suspend: "suspended by \(by)"
        case .freeze: "its file systems were frozen by \(by)"
        case .thaw: "its file systems were thawed by \(by)"
        case .adopt: "adopted by \(by), pid \(data["pid"]?.integer.map(String.init) ?? "unknown")"
        case .crash:
            "crashed: \(data["cause"]?.string ?? data["end"]?.string ?? "QEMU ended without recording why")"
                + (data["record"]?.string.map { "; see \($0)" } ?? "")
        }
    }

    /// Who gave the command.
    private var by: String {
        let by = data["by"]
        if by?["service"]?.bool == true { return "systemd" }
        let user = by?["user"]?.string ?? "somebody"
        return by?["sudo"]?.string.map { "\($0), as \(user)" } ?? user
    }

    // QEMU, docs/interop/qemu-qmp-ref.
    private var wordsOfQEMU: String {
        switch name {
        case "RESUME": "running"
        case "STOP": "paused"
        case "SUSPEND": "the guest went to sleep"
        case "WAKEUP": "the guest woke up"
        case "RESET": data["guest"]?.bool == true ? "the guest rebooted" : "reset"
        case "POWERDOWN": "its power button was pressed"
        case "SHUTDOWN": wordsOfShutdown
        case "BLOCK_IO_ERROR": wordsOfDiskError
        case "GUEST_PANICKED": "the guest's kernel panicked"
        case "WATCHDOG": "its watchdog expired (\(word("action") ?? "no action"))"
        default: "a memory error of the host reached it"
        }
    }

    private var wordsOfShutdown: String { Self.words(ofEnd: data["reason"]?.string ?? "unknown") }

    /// How a VM ended, for people.
    ///
    /// - Parameter reason: QEMU's word for it, or ours.
    package static func words(ofEnd reason: String) -> String {
        switch reason {
        case "guest-shutdown": "the guest shut down"
        case "guest-reset": "the guest rebooted, which ended it"
        case "guest-panic": "ended after the guest's kernel panicked"
        case "host-qmp-quit": "QEMU was told to quit"
        case "host-signal": "QEMU was ended by a signal"
        case "host-error": "QEMU ended after an error of the host"
        case ShutdownCause.killedWord: "QEMU did not quit and was killed"
        default: "ended (\(Printable.escaped(reason)))"
        }
    }

    private var wordsOfDiskError: String {
        if let reason = PauseReason(blockError: data) { return "paused: \(reason)" }
        // The guest was told.
        let disk = word("node-name") ?? word("device") ?? "a disk"
        let reason = word("reason").map { ": \($0)" } ?? ""
        return "\(word("operation") ?? "I/O") error on \(disk)\(reason)"
    }

    /// A word of QEMU's. A line end in it would begin a line that looks like one of kvmctl's own.
    private func word(_ key: String) -> String? { data[key]?.string.map { Printable.escaped($0) } }
}
