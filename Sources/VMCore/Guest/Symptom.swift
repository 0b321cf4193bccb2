/// Something that is wrong with a guest, as a row of a table: what shows it, where the guest is stuck then, why, and what
/// to do.
package struct Symptom: Sendable {
    /// Its name, for programs.
    package let id: ID
    /// What shows it.
    let evidence: Evidence
    /// Where in a boot it happens. Once the guest is further, it is past this.
    let stage: BootStage
    /// Whether the guest can't get any further by itself.
    package let isDeadEnd: Bool
    /// Whether it is that the kernel panicked.
    package var isPanic: Bool { [.panicNoMemory, .panicNoRoot, .panicNoInit, .panic].contains(id) }
    /// Why it is stuck, in one clause.
    package let cause: String
    /// What to do.
    let advice: Advice
    /// The guest that has it: of Tests/rig/broken, or a fixture of the unit tests.
    package let proof: String

    /// What shows a symptom.
    enum Evidence: Sendable {
        /// Text that the guest wrote on its console or screen in this boot: of each group one piece, in any lines.
        case text([[String]])
        /// The line that the cursor is in begins like one of these: somebody is asked for a command.
        case prompt([String])
        /// Something other than text.
        case fact
    }

    /// What to do, as a function of the VM's name and file.
    typealias Advice = @Sendable (_ name: String, _ file: String) -> String

    /// The names, which are part of `--json`.
    package enum ID: String, CaseIterable, Sendable {
        case panicNoMemory, panicNoRoot, panicNoInit, panic, halted
        case grubRescue, grubPrompt, initramfsShell, rescueShell, emergencyShell
        case noBootableDevice, uefiShell
        case stopped, poweredOff, suspended, crashed, unresponsive, pausedByQEMU, paused, rebootLoop, frozen
        case noDHCP, wrongVLAN, noPackets, addressTaken, portRefused, portSilent, agentAbsent, agentSilent
        case acpiIgnored, memoryShort, diskErrors, clockOff, illegible, consoleElsewhere, bootedSilently, nothingShown
    }
}

/// All symptoms, the one that explains most first. A new one is a row here, with the guest that proves it.
package enum Symptoms {
    /// The rows.
    package static let all: [Symptom] = Self.ofText + Self.ofFacts

    private static let ofText: [Symptom] = [
        Symptom(
            id: .panicNoMemory,
            evidence: .text([
                [panicWords], ["System is deadlocked on memory", "unpacking failed: write error", "Out of memory: "],
            ]),
            stage: .kernel, isDeadEnd: true, cause: "its kernel ran out of memory while it booted",
            advice: { _, file in "give it more: a larger MEMORY in \(file)" }, proof: "out-of-memory-panic"),
        Symptom(
            id: .panicNoRoot,
            evidence: .text([[panicWords], ["Unable to mount root fs", "Cannot open root device"]]),
            stage: .kernel, isDeadEnd: true, cause: "its kernel panicked: it can't mount the root file system",
            advice: { name, _ in
                "check root= of its kernel, and that its initramfs (INITRD) is given and has the disk's driver: "
                    + "\(command: "kvmctl logs \(name)") shows which disks the kernel found"
            }, proof: "panic-bad-root"),
        Symptom(
            id: .panicNoInit,
            evidence: .text([
                [panicWords], ["No working init found", "Requested init ", "Attempted to kill init!"],
            ]),
            stage: .kernel, isDeadEnd: true, cause: "its kernel panicked: init can't be run, or has ended",
            advice: { name, _ in
                "check init= of its kernel, and whether its root file system is whole: \(command: "kvmctl logs \(name)")"
            }, proof: "panic-no-init"),
        Symptom(
            id: .panic, evidence: .text([[panicWords]]), stage: .kernel, isDeadEnd: true, cause: "its kernel panicked",
            advice: { name, _ in
                "read why: \(command: "kvmctl logs \(name)"); then reset it, or start it again if it has ended"
            },
            proof: "panic-sysrq"),
        Symptom(
            id: .halted, evidence: .text([["reboot: System halted"]]), stage: .up, isDeadEnd: true,
            cause: "it has halted, without switching its power off",
            advice: { name, _ in
                "reset it, or stop it; poweroff in the guest also switches the power off: "
                    + "\(command: "kvmctl logs \(name)") shows what it did last"
            }, proof: "halted"),
        Symptom(
            id: .grubRescue, evidence: .prompt(["grub rescue>"]), stage: .bootLoader, isDeadEnd: true,
            cause: "GRUB stopped at its rescue prompt: it does not find its own files",
            advice: { _, _ in
                "boot a rescue CD (start --cdrom), and run grub-install and update-grub in its system; "
                    + "the disk may be another than the one that GRUB was installed for"
            }, proof: "grub-rescue"),
        Symptom(
            id: .grubPrompt, evidence: .prompt(["grub>"]), stage: .bootLoader, isDeadEnd: true,
            cause: "GRUB stopped at its prompt: it found no menu (grub.cfg)",
            advice: { name, _ in
                "type configfile (hd0,msdos1)/boot/grub/grub.cfg or the like there (\(command: "kvmctl vnc \(name)"), "
                    + "\(command: "kvmctl console \(name)")), then run update-grub in its system"
            }, proof: "grub-prompt"),
        Symptom(
            id: .initramfsShell, evidence: .prompt(["(initramfs)", "dracut:/#"]), stage: .initramfs, isDeadEnd: true,
            cause: "its initramfs did not find the root file system, and waits at a shell",
            advice: { name, _ in
                "compare root= with what blkid prints there (\(command: "kvmctl console \(name)")); "
                    + "if it lists no disk, the initramfs lacks the disk's driver"
            }, proof: "initramfs-bad-root"),
        Symptom(
            id: .rescueShell, evidence: .text([["You are in rescue mode"]]), stage: .initSystem, isDeadEnd: true,
            cause: "systemd was told to start no more than its rescue shell, and waits there",
            advice: { name, _ in
                "look for single, rescue or systemd.unit= on its kernel's command line; exit leaves the shell: "
                    + "\(command: "kvmctl console \(name)")"
            }, proof: "rescue-mode"),
        Symptom(
            id: .emergencyShell,
            evidence: .text([
                [
                    "You are in emergency mode", "Give root password for maintenance", "Press Enter for maintenance",
                    "Cannot open access to console, the root account is locked", "Reached target emergency.target",
                    "Reached target Emergency Mode",
                ]
            ]), stage: .initSystem, isDeadEnd: true,
            cause: "systemd gave up and waits at the emergency shell, as it does if a file system of /etc/fstab fails",
            advice: { name, _ in
                "log in there (\(command: "kvmctl console \(name)")), look at systemctl --failed, and correct /etc/fstab"
            }, proof: "emergency-fstab"),
        Symptom(
            id: .noBootableDevice,
            evidence: .text([["No bootable device.", "No bootable option or device was found", "No bootable medium"]]),
            stage: .firmware, isDeadEnd: true, cause: "its firmware found nothing to boot",
            advice: { name, file in
                "check that DISK0 in \(file) is the disk with its system, or install one: "
                    + "\(command: "kvmctl start --cdrom INSTALLER.iso \(name)"); one that was installed with UEFI can't be booted by a BIOS"
            }, proof: "no-boot-disk"),
        Symptom(
            id: .uefiShell, evidence: .prompt(["Shell>"]), stage: .firmware, isDeadEnd: true,
            cause: "its firmware found nothing to boot, and started the UEFI shell",
            advice: { _, file in
                "check that DISK0 in \(file) is the disk with its system; "
                    + "one that was installed with a BIOS can't be booted by UEFI"
            }, proof: "uefi-shell"),
        Symptom(
            id: .memoryShort, evidence: .text([["Out of memory: Killed process", "invoked oom-killer"]]), stage: .up,
            isDeadEnd: false, cause: "it runs out of memory, and its kernel kills processes",
            advice: { _, file in "give it more: a larger MEMORY in \(file)" }, proof: "out-of-memory"),
        Symptom(
            id: .diskErrors,
            evidence: .text([["I/O error, dev ", "Buffer I/O error on dev", "EXT4-fs error (device"]]), stage: .up,
            isDeadEnd: false, cause: "a disk of its fails: its kernel reports I/O errors",
            advice: { name, _ in
                "look at the disk's file and at the host's kernel log (dmesg); \(command: "kvmctl logs \(name)") says which"
            }, proof: "disk-write-error"),
        // Once it is up, its clock may have been set since: only its agent tells.
        Symptom(
            id: .clockOff,
            evidence: .text([["System time before build time", "certificate is not yet valid"]]), stage: .initSystem,
            isDeadEnd: false, cause: "its clock is far off, so that certificates and logins fail",
            advice: { name, file in
                "set it in the guest, and have chrony or systemd-timesyncd keep it right; it begins with the host's time, "
                    + "as RTC in \(file) says (utc or localtime)"
            }, proof: "clock-off"),
    ]

    private static let panicWords = "Kernel panic - not syncing"

    /// The row of a symptom.
    static func row(_ id: Symptom.ID) -> Symptom? { all.first { $0.id == id } }
}
