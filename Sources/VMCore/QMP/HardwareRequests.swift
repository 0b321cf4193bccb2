// What a running machine has, and how it is changed (QEMU, docs/interop/qemu-qmp-ref).

extension QMPRequest<Bool> {
    /// Whether a driver of the guest uses a virtio device by now (virtio 1.1, 2.1, DRIVER_OK). QEMU before 7.2 can't tell; nor can it
    /// of other devices.
    package static func isDriven(_ device: String) -> Self {
        .init("x-query-virtio-status", ["path": .string("/machine/peripheral/\(device)/virtio-backend")]) { answer in
            answer["status"]?["statuses"]?.array?.contains { $0.string?.hasPrefix("VIRTIO_CONFIG_S_DRIVER_OK") == true }
        }
    }
}

extension QMPRequest<[String]> {
    /// The ids of the devices that were given one.
    package static var deviceIDs: Self { children(of: "/machine/peripheral") }

    /// The ids of the objects that serve devices.
    package static var objectIDs: Self { children(of: "/objects") }

    /// The character devices whose peers are gone. QEMU says so in what it calls their file name (chardev/char-socket.c).
    package static var endedConnections: Self {
        .init("query-chardev") { answer in
            answer.array?.filter { $0["filename"]?.string?.hasPrefix("disconnected:") == true }
                .compactMap { $0["label"]?.string }
        }
    }

    private static func children(of path: String) -> Self {
        .init("qom-list", ["path": .string(path)]) { answer in
            answer.array?.filter { $0["type"]?.string?.hasPrefix("child<") == true }.compactMap { $0["name"]?.string }
        }
    }
}

extension QMPRequest<[RunningHardware.Node]> {
    /// The block nodes, each by itself.
    package static var blockNodes: Self {
        .init("query-named-block-nodes", ["flat": true]) { $0.array?.compactMap { RunningHardware.Node($0) } }
    }
}

extension QMPRequest<[RunningHardware.Drive]> {
    /// The drives whose medium can be changed.
    package static var drives: Self { .init("query-block") { $0.array?.compactMap { RunningHardware.Drive($0) } } }
}

extension QMPRequest<[RunningHardware.LentSet]> {
    /// The descriptor sets.
    package static var descriptorSets: Self {
        .init("query-fdsets") { $0.array?.compactMap { RunningHardware.LentSet($0) } }
    }
}

extension QMPRequest<[String: [String]]> {
    /// The ids of the devices behind each bridge on the root bus, by the bridge's id.
    package static var devicesBehindBridges: Self {
        .init("query-pci") { answer in
            answer.array.map { buses in
                buses.flatMap { $0["devices"]?.array ?? [] }.reduce(into: [:]) { found, device in
                    guard let bridge = device["pci_bridge"], let id = device["qdev_id"]?.string else { return }
                    // Without an id it takes the place all the same.
                    found[id] = (bridge["devices"]?.array ?? []).map { $0["qdev_id"]?.string ?? "" }
                }
            }
        }
    }
}

extension QMPRequest<ByteCount> {
    /// How much memory the guest has now. Refused by a machine without a balloon.
    package static var memory: Self {
        .init("query-balloon") { $0["actual"]?.integer.map { ByteCount(bytes: max(0, $0)) } }
    }
}

extension QMPRequest<Void> {
    /// Asks the guest to have this much memory. Nothing tells whether it does.
    package static func balloon(to size: ByteCount) -> Self { .init("balloon", ["value": .integer(size.bytes)]) }

    /// Opens the tray of a CD drive. Where the guest has locked it, the guest is asked to open it, and the command is
    /// refused, unless it is forced.
    package static func openTray(of drive: String, force: Bool) -> Self {
        .init("blockdev-open-tray", ["id": .string(drive), "force": .bool(force)])
    }

    /// Closes it.
    package static func closeTray(of drive: String) -> Self { .init("blockdev-close-tray", ["id": .string(drive)]) }

    /// Takes the medium out of an open tray.
    package static func removeMedium(from drive: String) -> Self {
        .init("blockdev-remove-medium", ["id": .string(drive)])
    }

    /// Puts a node into an open and empty tray, as a medium.
    package static func insertMedium(_ node: String, into drive: String) -> Self {
        .init("blockdev-insert-medium", ["id": .string(drive), "node-name": .string(node)])
    }

    /// Gives a disk another size, which the guest is told.
    package static func resize(_ node: String, to size: ByteCount) -> Self {
        .init("block_resize", ["node-name": .string(node), "size": .integer(size.bytes)])
    }

    /// Removes a block node that nothing uses.
    package static func removeNode(_ name: String) -> Self { .init("blockdev-del", ["node-name": .string(name)]) }

    /// Removes an object that nothing uses.
    package static func removeObject(_ id: String) -> Self { .init("object-del", ["id": .string(id)]) }

    /// Closes a descriptor set that no node is on.
    package static func closeSet(_ number: CInt) -> Self { .init("remove-fd", ["fdset-id": .integer(Int64(number))]) }

    /// Removes the back end of a card that is gone.
    package static func removeBackend(_ id: String) -> Self { .init("netdev_del", ["id": .string(id)]) }

    /// Closes a descriptor that was lent under a name.
    package static func closeLent(_ name: String) -> Self { .init("closefd", ["fdname": .string(name)]) }

    /// Asks the guest to let go of a device.
    package static func unplug(_ id: String) -> Self { .init("device_del", ["id": .string(id)]) }
}
