import SystemPackage

extension LaunchPlanner {
    /// The process: its standard descriptors, its locks, its name, its sandbox.
    mutating func planProcess() {
        // 0, 1 and 2, in this order.
        _ = inherit(.monitorInput)
        _ = inherit(.record)
        _ = inherit(.messages)
        // Inherited early: an exiting process releases last what it was given first (task_work, since Linux 4.3). So
        // once the lock is free, the VM's disks, taps and ports are free too.
        _ = inherit(.lock)
        if case .ownUID = facts.credentials { _ = inherit(.uidLock) }

        if !facts.canExecuteQEMU, !facts.qemu.path.isEmpty {
            problem(
                VMError(
                    failed: .permissionDenied, facts.qemu.path, "can't execute it",
                    remedy: """
                        QEMU's user, who is not root, must be able to execute it: \
                        \(command: "namei -l \(facts.qemu.path)") shows the permissions along the path
                        """, condition: .qemu(FilePath(facts.qemu.path))))
        }
        add(
            "-name", qemuOption("guest=\(plan.name)", [("debug-threads", "on")]), purpose: "name",
            from: params.name.origin)
        add("-uuid", plan.uuid.description, purpose: "identity", from: identity.uuid.origin)
        if params.uuid == nil {
            plan.derivedValues.append("UUID=\(plan.uuid), from this host and the file's path")
            if facts.machineID.isEmpty {
                plan.notices.append(
                    "the UUID is derived from the file's path alone, as /etc/machine-id holds no id: on another such host a VM "
                        + "at this path gets the same UUID and MACs; write UUID= into the file (\(command: "uuidgen") makes one)"
                )
            }
        }
        add(
            "-no-user-config", "-nodefaults", purpose: "only the devices of this plan", from: .everyVM)
        add(
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
            purpose: "seccomp filter", from: .everyVM)
        if !facts.qemu.isAsked, let qemu = params.qemu {
            plan.notices.append(
                "\(qemu.value) was not run to see what it can do: until the start, this machine, processor and keyboard map are "
                    + "assumed to be there")
        }
        add("-msg", "timestamp=on", purpose: "timestamps in QEMU's messages", from: .everyVM)
        // `suspend` stops the processors before it saves the state, and they are to run when that is loaded.
        add(
            "-global", "migration.store-global-state=off", purpose: "let a saved state run once it is loaded",
            from: .everyVM)
        add("-S", purpose: "wait for cont, which commits the start once everything is ready", from: .everyVM)
    }
}
