/// A line that fixes what a VM is, in a file that leaves it to be derived.
package struct MissingLine: Equatable, Sendable {
    /// Why it is added.
    package enum Reason: String, Sendable {
        /// The name comes from the path.
        case nameOfPath
        /// The UUID comes from the host and the path.
        case derivedUUID
        /// The MAC comes from the UUID.
        case derivedMAC
        /// The script of 2010 ran QEMU's default board.
        case boardOf2010
        /// kvmctl's default board.
        case boardOfToday
    }

    /// The key.
    package let key: KeyName
    /// Its value.
    package let value: String
    /// Why.
    package let reason: Reason

    /// A line of a file.
    package init(key: KeyName, value: String, reason: Reason) {
        (self.key, self.value, self.reason) = (key, value, reason)
    }
}

extension VMParams {
    /// The lines that a file lacks to be as one of `create`: with them its VM stays the same wherever the file goes, and
    /// whatever becomes of QEMU. Nothing that the file says changes.
    ///
    /// - Parameters:
    ///   - identity: what the VM has today.
    ///   - macs: the MACs that it has today, by the n of its NICs, where they are not the identity's.
    ///   - pinned: the versioned name of a board.
    package func missingLines(
        _ identity: Identity, macs: [Int: String], pinned: (MachineModel) -> MachineModel
    ) -> [MissingLine] {
        var lines: [MissingLine] = []
        // A file with a UUID is as `create` made it: its directory names it.
        if uuid == nil, case .derived = name.origin {
            lines.append(MissingLine(key: KeyName(.name), value: "\(name.value)", reason: .nameOfPath))
        }
        if uuid == nil {
            let value = identity.uuid.value.description
            lines.append(MissingLine(key: KeyName(.uuid), value: value, reason: .derivedUUID))
        }
        if case .standard = machine.origin {
            let isOf2010 = given.values.keys.allSatisfy(\.isOf2010)
            lines.append(
                MissingLine(
                    key: KeyName(.machine), value: "\(pinned(isOf2010 ? .pc : machine.value))",
                    reason: isOf2010 ? .boardOf2010 : .boardOfToday))
        }
        for nic in nics where nic.mac == nil {
            // MAC is the word of 2010; NETn_MAC needs NETn.
            let isShort = nic.index == 0 && nic.network.origin.writtenKey?.key != .net
            let value = macs[nic.index] ?? "\(identity.mac(nic: nic.index))"
            lines.append(
                MissingLine(
                    key: isShort ? KeyName(.mac) : KeyName(.netMAC, nic.index), value: value, reason: .derivedMAC))
        }
        return lines
    }
}

extension KeyName {
    /// Whether a file of 2010 may have the key: those of the script, and those with which kvmctl has its errors corrected.
    fileprivate var isOf2010: Bool {
        switch key {
        case .disk, .memory, .vncDisplay, .diskFormat, .name, .uuid: true
        case .netMAC: index == 0
        default: false
        }
    }
}
