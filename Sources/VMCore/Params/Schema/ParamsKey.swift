/// Every key of a params file. The raw value is a small number because keys are compared and hashed all the time: with
/// a string as raw value, its text would be.
package enum ParamsKey: UInt8, CaseIterable, Sendable {
    case name, uuid, description, tags, protect, template, include, memory, cpus, cpu, machine, accel, firmware, tpm,
        boot,
        kernel, initrd,
        append, disk,
        diskSize,
        diskFormat, diskBacking, diskReadOnly, diskSerial, diskIOPS, diskBPS, diskCache, diskBus, cdrom, net, netMAC,
        netTap,
        netVLAN, netMTU, netQueues, netRate, netFilter, netModel, mac, bridge, forward, vncDisplay, vncBind,
        vncPasswordFile,
        video, sound, share, cloudInitUserData, cloudInitNetwork, cloudInitHostname, runAs, hugePages, cpuSet,
        autostart,
        autostartDelay, startAfter, limitCPU, limitIO,
        consoleLog, rtc, keymap,
        qemu, qemuArgument

    /// The key as it is written, where `n` stands for an index.
    package var pattern: String {
        switch self {
        case .name: "NAME"
        case .uuid: "UUID"
        case .description: "DESCRIPTION"
        case .tags: "TAGS"
        case .protect: "PROTECT"
        case .template: "TEMPLATE"
        case .include: "INCLUDE"
        case .memory: "MEMORY"
        case .cpus: "CPUS"
        case .cpu: "CPU"
        case .machine: "MACHINE"
        case .accel: "ACCEL"
        case .firmware: "FIRMWARE"
        case .tpm: "TPM"
        case .boot: "BOOT"
        case .kernel: "KERNEL"
        case .initrd: "INITRD"
        case .append: "APPEND"
        case .disk: "DISKn"
        case .diskSize: "DISKn_SIZE"
        case .diskFormat: "DISKn_FORMAT"
        case .diskBacking: "DISKn_BACKING"
        case .diskReadOnly: "DISKn_READONLY"
        case .diskSerial: "DISKn_SERIAL"
        case .diskIOPS: "DISKn_IOPS"
        case .diskBPS: "DISKn_BPS"
        case .diskCache: "DISKn_CACHE"
        case .diskBus: "DISKn_BUS"
        case .cdrom: "CDROMn"
        case .net: "NETn"
        case .netMAC: "NETn_MAC"
        case .netTap: "NETn_TAP"
        case .netVLAN: "NETn_VLAN"
        case .netMTU: "NETn_MTU"
        case .netQueues: "NETn_QUEUES"
        case .netRate: "NETn_RATE"
        case .netFilter: "NETn_FILTER"
        case .netModel: "NETn_MODEL"
        case .mac: "MAC"
        case .bridge: "BRIDGE"
        case .forward: "FORWARDn"
        case .vncDisplay: "VNCDISP"
        case .vncBind: "VNCBIND"
        case .vncPasswordFile: "VNCPASSWORD_FILE"
        case .video: "VIDEO"
        case .sound: "SOUND"
        case .share: "SHAREn"
        case .cloudInitUserData: "CLOUDINIT_USERDATA"
        case .cloudInitNetwork: "CLOUDINIT_NETWORK"
        case .cloudInitHostname: "CLOUDINIT_HOSTNAME"
        case .runAs: "RUNAS"
        case .hugePages: "HUGEPAGES"
        case .cpuSet: "CPUSET"
        case .autostart: "AUTOSTART"
        case .autostartDelay: "AUTOSTART_DELAY"
        case .startAfter: "START_AFTER"
        case .limitCPU: "LIMIT_CPU"
        case .limitIO: "LIMIT_IO"
        case .consoleLog: "CONSOLE_LOG"
        case .rtc: "RTC"
        case .keymap: "KEYMAP"
        case .qemu: "QEMU"
        case .qemuArgument: "QEMUARGn"
        }
    }
}

/// A key with its index, as written in a file: `DISK0_SIZE`.
package struct KeyName: Hashable, Sendable, CustomStringConvertible {
    /// The key.
    package var key: ParamsKey
    /// The value of `n`; nil for a key without one.
    package var index: Int?

    /// Names a key; the index is given exactly where the key's pattern has an `n`.
    package init(_ key: ParamsKey, _ index: Int? = nil) {
        self.key = key
        self.index = index
    }

    /// As in the file.
    package var description: String {
        guard let index else { return key.pattern }
        return ParamsSchema.substitute(String(index), in: key.pattern)
    }
}
