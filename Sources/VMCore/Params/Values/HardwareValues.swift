// The kinds of devices that the guest sees, by the words of vm.params.

/// `DISKn_BUS`: what a disk is attached to.
package enum DiskBus: String, CaseIterable, Sendable {
    /// A virtio-blk device of its own.
    case virtio
    /// A virtio-scsi controller, which all such disks share.
    case scsi
    /// The SATA controller of the q35 machine, which every installer has a driver for.
    case sata
}

/// `NETn_MODEL`: the network card.
package enum NICModel: String, CaseIterable, Sendable {
    /// virtio-net.
    case virtio
    /// Intel's 82574L, which most installers have a driver for.
    case e1000e
}

/// `HUGEPAGES`: which of the host's huge pages back the RAM.
package enum HugePages: String, CaseIterable, Sendable {
    case no
    /// Those of the host's default size.
    case yes
    case twoMebi = "2M"
    case oneGibi = "1G"
}

/// `VIDEO`: the graphics card.
package enum VideoModel: String, CaseIterable, Sendable {
    /// The plain VGA of Bochs, which every guest has a driver for.
    case std
    /// A VGA that becomes virtio-gpu once the guest has its driver.
    case virtio
    /// QXL, which is VGA until the guest has its driver.
    case qxl
}
