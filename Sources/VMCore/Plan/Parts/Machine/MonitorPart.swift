extension LaunchPlanner {
    /// The sockets and logs: QMP, the flight record, the serial console.
    mutating func planMonitors() {
        add(
            "-chardev", listener("qmp", .monitorSocket), "-mon", "chardev=qmp,mode=control",
            purpose: "QMP socket", from: .everyVM)

        // A second monitor writes every event to a file, so that the reason of an end is known though nobody was there.
        add(
            "-chardev", "stdio,id=record,signal=off", "-mon", "chardev=record,mode=control",
            purpose: "flight record", from: .everyVM)
        plan.monitorInput = [QMPCommand("qmp_capabilities")]

        let log = fdset(.consoleLog, purpose: "console log", from: .everyVM)
        add(
            "-chardev",
            listener("serial0", .serialSocket) + qemuOption("", [("logfile", log.path), ("logappend", "on")]),
            "-serial", "chardev:serial0", purpose: "serial console", from: .everyVM)
    }

    /// A socket that listens already, so that a client can connect before QEMU is even there.
    mutating func listener(_ id: String, _ role: Descriptor.Role) -> String {
        let number = inherit(role)
        let place = pathByHand(role).map { ("path", $0) } ?? ("fd", "\(number)")
        return qemuOption("socket", [("id", id), place, ("server", "on"), ("wait", "off")])
    }
}
