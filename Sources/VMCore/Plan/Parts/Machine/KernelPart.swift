extension LaunchPlanner {
    /// `KERNEL`, `INITRD`, `APPEND`: QEMU opens the files by name (fopen, no fdset), so it is given names in /proc.
    mutating func planKernel() {
        guard let kernel = params.kernel else { return }
        for file in [kernel.image, kernel.initrd].compactMap({ $0 }) {
            if existing(file)?.usable.isBlockDevice == true {
                refuse(
                    .badData, place(file.origin), "\(file.value) is a block device, not a file",
                    .file(file.value, .wrongKind))
            }
        }
        checkKernel(kernel)
        add(
            "-kernel", inheritedFile(.blob(kernel.image.value)), purpose: "kernel \(kernel.image.value)",
            from: kernel.image.origin)
        if let initrd = kernel.initrd {
            add(
                "-initrd", inheritedFile(.blob(initrd.value)), purpose: "initial RAM disk \(initrd.value)",
                from: initrd.origin)
        }
        if let commandLine = kernel.commandLine {
            add("-append", commandLine.value, purpose: "kernel command line", from: commandLine.origin)
        }
    }

    /// `QEMUARGn`, last and verbatim.
    mutating func planExtras() {
        for extra in params.qemuArguments {
            add(extra.value, purpose: "as the file says", from: extra.origin)
        }
    }

    /// The commands between the machine's creation and its start. In the foreground no kvmctl is left to send them, so
    /// QEMU reads them from its recording monitor's input.
    mutating func planCommit() {
        plan.commit.append(QMPCommand("cont"))
        guard options.foreground else { return }
        // No kvmctl is left to read the port either: the answer goes to the flight record.
        if params.vnc.display.value == .auto { plan.monitorInput.append(QMPCommand("query-vnc")) }
        plan.monitorInput += plan.commit
        plan.commit = []
    }
}
