/// Where the devices sit on the root bus (pcie.0 of q35, pci.0 of pc).
///
/// The addresses are fixed, so that a guest finds a device where it was when others come and go; both chipsets keep
/// slots 0, 1 and 31 for themselves. On pcie.0 devices are transitional (virtio 0.9 guests find them) but can't be
/// plugged or unplugged: what comes later goes to the spare root ports.
enum PCILayout {
    static let vga = address(slot: 2)
    static let usb = address(slot: 3)
    static let rng = address(slot: 4)
    static let balloon = address(slot: 5)
    static let serial = address(slot: 6)
    static let sound = address(slot: 7)
    static let scsi = address(slot: 0x19)

    /// The seed for cloud-init: behind all disks, whose names in the guest it must not shift. q35 has the spare root ports
    /// in that slot too.
    static func seed(_ board: MachineModel.Family) -> PCIAddress {
        switch board {
        case .q35: PCIAddress(slot: 0x18, function: spareRootPorts, isShared: true)
        case .pc: address(slot: 0x18)
        }
    }

    /// Spare root ports, four functions of one slot.
    static let spareRootPorts = 4
    static func rootPort(_ index: Int) -> PCIAddress { PCIAddress(slot: 0x18, function: index, isShared: true) }

    /// The NIC at `position` of `count`.
    static func nic(_ position: Int, of count: Int) -> PCIAddress {
        pack(position, of: count, from: 8, slots: 8)
    }

    /// The virtio disk at `position` of `count`: ascending with the position, for guests name disks in bus order.
    static func disk(_ position: Int, of count: Int) -> PCIAddress {
        pack(position, of: count, from: 0x10, slots: 8)
    }

    /// The shared directory at `position` of `count`.
    static func share(_ position: Int, of count: Int) -> PCIAddress {
        pack(position, of: count, from: 0x1a, slots: 5)
    }

    private static func address(slot: Int) -> PCIAddress { PCIAddress(slot: slot, function: 0, isShared: false) }

    /// A slot each while there are enough, else eight functions to a slot.
    private static func pack(_ position: Int, of count: Int, from first: Int, slots: Int) -> PCIAddress {
        count <= slots
            ? address(slot: first + position)
            : PCIAddress(slot: first + position / 8, function: position % 8, isShared: true)
    }
}

/// A place on a PCI bus.
package struct PCIAddress: Equatable, Sendable {
    /// The slot.
    package var slot: Int
    /// The function in it.
    package var function: Int
    /// Whether other functions sit in the same slot.
    package var isShared: Bool

    /// As the `addr` property of a PCI device has it.
    var text: String {
        let slot = "0x" + String(slot, radix: 16)
        return isShared ? "\(slot).\(function)" : slot
    }

    /// Whether the device has to say that there are others in its slot (`multifunction`).
    var announcesOthers: Bool { isShared && function == 0 }
}
