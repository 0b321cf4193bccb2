extension ParamsSchema {
    /// Every key, in the order of the reference.
    package static let entries: [Entry] = [
        identity, machine, boot, disks, network, display, sharing, host, escape,
    ].flatMap(\.self)

    private static let identity: [Entry] = [
        row(
            .name, .identity, "web", "the VM's name: letters, digits, '._-', at most 64; default: the directory's name"),
        row(
            .uuid, .identity, "c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10",
            "the SMBIOS UUID; default: derived from the host and the file's path"),
        row(
            .description, .identity, "'web server of the lab'",
            "a note for people, at most 1000 bytes, which list --json and show print"),
        row(
            .tags, .identity, "web,lab",
            "words to find the VM by, with commas; each is at most 64 letters, digits, '._-'"),
        row(
            .protect, .identity, "yes",
            "yes: rm, reset, nmi, stop --now, restart --hard, start --discard-suspended need --force; default: no"),
        row(
            .template, .identity, "yes",
            "yes: it is never started, and VMs are made of it: create NAME --from it; default: no"),
        row(
            .include, .identity, "../defaults.conf",
            "a file of keys for several VMs, which this file's own keys take precedence over"),
    ]

    private static let machine: [Entry] = [
        row(.memory, .machine, "2G", "RAM, 1M to 16T; a bare number is MiB; default: 1G"),
        row(.cpus, .machine, "2", "virtual CPUs, 1 to 255; default: 1"),
        row(
            .cpu, .machine, "Haswell-v4,-hle",
            "CPU model as QEMU names it; default: host under KVM, max,erms=off,fsrm=off under TCG"),
        row(
            .machine, .machine, "pc", status: .except(["microvm"]),
            "q35, pc, or a versioned name such as pc-q35-7.2; default: q35"),
        row(.accel, .machine, "tcg", "auto, kvm or tcg; default: auto"),
        row(.firmware, .machine, "bios", status: .except(["uefi", "uefi-secure"]), "bios; default: bios"),
        row(.tpm, .machine, "no", status: .except(["yes", "true", "on", "1"]), "no; default: no"),
        row(.rtc, .machine, "localtime", "the guest's clock at start: utc or localtime; default: utc"),
    ]

    private static let boot: [Entry] = [
        row(.boot, .boot, "net,disk", "order of disk, cdrom, net, with commas; default: disk,cdrom"),
        row(.kernel, .boot, "vmlinuz", "a kernel to boot directly"),
        row(.initrd, .boot, "initrd.img", needs: .kernel, "the initial RAM disk for KERNEL"),
        row(.append, .boot, "console=ttyS0", needs: .kernel, "the command line for KERNEL; may be empty"),
    ]

    private static let disks: [Entry] = [
        row(.disk, .disks, of: 0...25, "vdisk0", "an image or block device; the guest's vda to vdz, in the order of n"),
        row(
            .diskSize, .disks, of: 0...25, "8G", needs: .disk,
            "if the disk is missing, create it sparse with this size; default: a missing disk is an error"),
        row(.diskFormat, .disks, of: 0...25, "qcow2", needs: .disk, "raw or qcow2; default: raw"),
        row(
            .diskBacking, .disks, of: 0...25, "base.qcow2", needs: .disk,
            "the image that a qcow2 disk is an overlay of, which is only read; after a colon each, what that one stands on"
        ),
        row(.diskReadOnly, .disks, of: 0...25, "yes", needs: .disk, "yes or no; default: no"),
        row(.diskSerial, .disks, of: 0...25, "WD-1234", needs: .disk, "serial number, at most 20 ASCII characters"),
        row(.diskIOPS, .disks, of: 0...25, "500", needs: .disk, "limit in operations per second; default: none"),
        row(.diskBPS, .disks, of: 0...25, "100M", needs: .disk, "limit in bytes per second; default: none"),
        row(
            .diskCache, .disks, of: 0...25, "writeback", needs: .disk,
            "none, writeback, writethrough, directsync or unsafe; default: none if the file system supports it"),
        row(
            .diskBus, .disks, of: 0...25, "sata", needs: .disk,
            "virtio, scsi (virtio-scsi), or sata, for a guest without virtio drivers; default: virtio"),
        row(.cdrom, .disks, of: 0...3, "debian.iso", "an ISO that stays attached; without a value: an empty drive"),
    ]

    private static let network: [Entry] = [
        row(
            .net, .network, of: 0...7, "user",
            "bridge:NAME, nat, isolated:NAME, macvtap:DEV, user or none; default: NET0=bridge:br0"),
        row(.netMAC, .network, of: 0...7, "52:54:00:00:00:01", needs: .net, "MAC; default: derived from the VM's UUID"),
        row(.netTap, .network, of: 0...7, "web0", needs: .net, "the tap's name; default: the first free tapN"),
        row(
            .netVLAN, .network, of: 0...7, "12", needs: .net,
            "VLAN of the bridge's port, such as 10, or a trunk of several, such as 10,20-30"),
        row(.netMTU, .network, of: 0...7, "9000", needs: .net, "MTU, 68 to 65535; default: the bridge's"),
        row(.netQueues, .network, of: 0...7, "4", needs: .net, "queue pairs, 1 to 16; default: 1"),
        row(
            .netRate, .network, of: 0...7, "100M", needs: .net,
            "limit in bits per second, in each direction; default: none"),
        row(
            .netFilter, .network, of: 0...7, "mac,ip=192.0.2.7", needs: .net,
            "limits the guest's source addresses: mac, ip, or both; ip=ADDRESS,… lists them"),
        row(
            .netModel, .network, of: 0...7, "e1000e", needs: .net,
            "virtio, or e1000e, for a guest without virtio drivers; default: virtio"),
        row(.mac, .network, "52:54:00:00:00:01", "short for NET0_MAC"),
        row(.bridge, .network, "br1", "short for NET0=bridge:NAME"),
        row(
            .forward, .network, of: 0...99, "tcp:127.0.0.1:2222:22",
            "tcp or udp, host address, host port, guest port; for NICs on user or nat"),
    ]

    private static let display: [Entry] = [
        row(
            .vncDisplay, .display, "0",
            "display N (TCP port \(VNCPort.first)+N), auto (the first free one, with a new password at each start) or none; default: auto"
        ),
        row(.vncBind, .display, "::1", "the address that VNC listens on; default: 127.0.0.1"),
        row(.vncPasswordFile, .display, "vnc.password", "a file that holds the VNC password"),
        row(.keymap, .display, "de", "keyboard map for VNC; default: QEMU's"),
        row(.video, .display, "virtio", "graphics card: std, virtio or qxl; default: std"),
        row(.sound, .display, "yes", "a sound card, which VNC viewers can listen to: yes or no; default: no"),
    ]

    private static let sharing: [Entry] = [
        row(
            .share, .sharing, of: 0...31, "/srv:srv:ro",
            "PATH:TAG, or PATH:TAG:ro to read only: a host directory that the guest mounts by its tag"),
        row(
            .cloudInitUserData, .sharing, "user-data",
            "a file that tells the guest's cloud-init what to do: accounts, keys, commands"),
        row(
            .cloudInitNetwork, .sharing, "network-config",
            "a file with cloud-init's network configuration; default: the guest uses DHCP"),
        row(
            .cloudInitHostname, .sharing, "web.example.org",
            "the host name that cloud-init gives the guest; default: NAME"),
    ]

    private static let host: [Entry] = [
        row(.runAs, .host, "kvm:kvm", "user, or user:group, that QEMU runs as; default: a separate uid for each VM"),
        row(
            .hugePages, .host, "2M",
            "yes, 2M or 1G: RAM in huge pages of the host's default size or of that one; default: no"),
        row(.cpuSet, .host, "0-3,8", "the host's CPUs that QEMU may run on; default: all"),
        row(
            .autostart, .host, "yes",
            "yes: kvmctl autostart run starts it, on hosts without systemd; default: no; see kvmctl enable"),
        row(.autostartDelay, .host, "30s", "how long to wait before it starts with the host; default: 0s"),
        row(.startAfter, .host, "db,web", "VMs that start with the host before it, and stop after it, with commas"),
        row(.limitCPU, .host, "150%", "under systemd, limit in percent of one of the host's processors; default: none"),
        row(
            .limitIO, .host, "100M",
            "under systemd, limit in bytes per second of all its disks, for reading and for writing; default: none"),
        row(.consoleLog, .host, "64M", "how much of the serial console's log is kept, 1M to 1T; default: 16M"),
    ]

    private static let escape: [Entry] = [
        row(.qemu, .escape, "/opt/qemu/bin/qemu-system-x86_64", "which QEMU; default: qemu-system-x86_64"),
        row(
            .qemuArgument, .escape, of: 0...99, "-nodefaults", "an extra argument for QEMU, verbatim, after all others"),
    ]

    private static func row(
        _ key: ParamsKey, _ group: Group, of indices: ClosedRange<Int>? = nil, _ example: String,
        needs: ParamsKey? = nil, status: Status = .built, _ summary: String
    ) -> Entry {
        Entry(
            key: key, group: group, indices: indices, needs: needs, status: status, example: example, summary: summary)
    }
}
