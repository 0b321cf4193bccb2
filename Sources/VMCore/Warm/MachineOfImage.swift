extension NewVM {
    /// Refuses what would change the machine of a VM that goes on from a warm image: it was saved as a whole.
    ///
    /// - Throws: `.usage` with the option or key that asks for it.
    package func refuseOtherMachine() throws(VMError) {
        let options = [
            ("--memory", memory != nil), ("--cpus", cpus != nil), ("--kernel", kernel != nil),
            ("--initrd", initrd != nil), ("--append", append != nil), ("--disk", disks != nil),
            ("--format", format != nil), ("--cdrom", cdroms != nil),
            ("--ssh-key, --password-file or --user-data", userData != nil),
            ("--network-config", networkConfig != nil),
        ]
        if let (option, _) = options.first(where: \.1) { throw Self.otherMachine(option) }
        for word in settings {
            guard let edit = try? ParamsEdit(word), edit.key.key.isOfMachine else { continue }
            throw Self.otherMachine("--set \(edit.key)")
        }
        if let cell = cells.first(where: { $0.edit.key.key.isOfMachine }) {
            throw Self.otherMachine("\(cell.place): \(cell.edit.key)")
        }
    }

    private static func otherMachine(_ what: String) -> VMError {
        VMError(
            .usage, what, "belongs to the machine, which is saved in the warm image and can't be changed for one VM",
            remedy: "say it in the model's file, or create the VM with --from, which boots it")
    }
}

extension ParamsKey {
    /// Whether it is about the machine as its guest sees it. NICs are not: they are plugged when the guest goes on.
    fileprivate var isOfMachine: Bool {
        switch self {
        case .name, .uuid, .description, .tags, .protect, .template, .autostart, .autostartDelay, .startAfter,
            .limitCPU,
            .limitIO, .consoleLog, .keymap, .cpuSet, .runAs, .forward, .vncDisplay, .vncBind, .vncPasswordFile,
            .cloudInitHostname, .net, .netMAC, .netTap, .netVLAN, .netMTU, .netQueues, .netRate, .netFilter, .netModel,
            .mac, .bridge:
            false
        case .include, .memory, .cpus, .cpu, .machine, .accel, .firmware, .tpm, .boot, .kernel, .initrd, .append, .disk,
            .diskSize, .diskFormat, .diskBacking, .diskReadOnly, .diskSerial, .diskIOPS, .diskBPS, .diskCache, .diskBus,
            .cdrom, .video, .sound, .share, .cloudInitUserData, .cloudInitNetwork, .hugePages, .rtc, .qemu,
            .qemuArgument:
            true
        }
    }
}
