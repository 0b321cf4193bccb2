/// A device of the guest: `-device` when the machine starts, `device_add` when it runs (QEMU, docs/qdev-device-use).
package struct Device: Equatable, Sendable {
    /// Where a device sits.
    package enum Place: Equatable, Sendable {
        /// On the root bus of the machine.
        case root(PCIAddress)
        /// On a bus that another device provides: a spare root port, a SATA port, a USB controller.
        case bus(String)
    }

    /// QEMU's CD drive.
    package static let cdDriver = "ide-cd"

    /// QEMU's name for the kind of device, such as `virtio-blk-pci`.
    package var driver: String
    /// What QEMU calls this one; without it, it can't be unplugged.
    package var id: String?
    /// Where it sits.
    package var place: Place
    /// What else it is told.
    package var properties: Properties

    /// Describes a device; see the properties.
    package init(_ driver: String, id: String?, at place: Place, _ properties: Properties = [:]) {
        self.driver = driver
        self.id = id
        self.place = place
        self.properties = properties
    }

    /// The value of `-device`.
    package var argument: String {
        var option = OptionText(driver)
        if let id { option.add("id", id) }
        switch place {
        case .root(let address):
            option.add("addr", address.text)
            if address.announcesOthers { option.add("multifunction", "on") }
        case .bus(let bus): option.add("bus", bus)
        }
        for property in properties.entries { option.add(property.name, property.value.text) }
        return option.text
    }

    /// The same, if it is a CD drive without the medium that is in it.
    package var withoutDisc: Device {
        var device = self
        if driver == Self.cdDriver { device.properties.remove("drive") }
        return device
    }

    /// The command that plugs it. `-device` takes the same arguments as JSON.
    package var plugged: QMPCommand {
        var arguments: [String: JSON] = ["driver": .string(driver)]
        if let id { arguments["id"] = .string(id) }
        switch place {
        case .root(let address):
            arguments["addr"] = .string(address.text)
            if address.announcesOthers { arguments["multifunction"] = true }
        case .bus(let bus): arguments["bus"] = .string(bus)
        }
        for property in properties.entries { arguments[property.name] = property.value.json }
        return QMPCommand("device_add", arguments)
    }

    /// The command that asks the guest to let go of it; nil: it can't be unplugged. It is gone only at the event
    /// `DEVICE_DELETED`.
    package var unplugged: QMPCommand? { id.map { QMPCommand("device_del", ["id": .string($0)]) } }
}
