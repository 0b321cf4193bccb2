extension LaunchPlanner {
    /// The sockets and logs: QMP, the flight record, the serial console.
    mutating func planMonitors() {
        let qmp = inherit(.monitorSocket)
        add(
            "-chardev", listener("qmp", qmp), "-mon", "chardev=qmp,mode=control",
            purpose: "QMP socket", from: .everyVM)

        // A second monitor writes every event to a file, so that the reason of an end is known though nobody was there.
        add(
            "-chardev", "stdio,id=record,signal=off", "-mon", "chardev=record,mode=control",
            purpose: "flight record", from: .everyVM)
        plan.monitorInput = [QMPCommand("qmp_capabilities")]

        let log = fdset(.consoleLog, purpose: "console log", from: .everyVM)
        let serial = inherit(.serialSocket)
        add(
            "-chardev", listener("serial0", serial) + qemuOption("", [("logfile", log.path), ("logappend", "on")]),
            "-serial", "chardev:serial0", purpose: "serial console", from: .everyVM)
    }

    /// A socket that listens already, so that a client can connect before QEMU is even there.
    func listener(_ id: String, _ number: CInt) -> String {
        qemuOption("socket", [("id", id), ("fd", "\(number)"), ("server", "on"), ("wait", "off")])
    }
}
