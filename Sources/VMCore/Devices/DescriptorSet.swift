/// A descriptor that QEMU opens by a file name: the only member of a set (`add-fd`, QEMU, qapi/misc).
package struct DescriptorSet: Equatable, Sendable {
    /// The set's number. At start it is the descriptor's own.
    package var number: CInt
    /// What the descriptor is, and so how it is opened.
    package var role: Descriptor.Role

    /// Describes a set; see the properties.
    package init(_ number: CInt, _ role: Descriptor.Role) {
        self.number = number
        self.role = role
    }

    /// The name that QEMU opens.
    package var path: String { "/dev/fdset/\(number)" }

    /// The value of `-add-fd`, for a descriptor that QEMU inherits.
    package var argument: String { "fd=\(number),set=\(number)" }

    /// The command that makes the set of the descriptor that is sent along.
    package var plugged: QMPCommand { QMPCommand("add-fd", ["fdset-id": .integer(Int64(number))]) }

    /// The command that closes the descriptor, once no block node is on it: `blockdev-del` alone keeps it open.
    ///
    /// QEMU 7.2 closes it only while the machine runs. Said to a machine that is paused, it does nothing until it is said
    /// again.
    package var unplugged: QMPCommand { QMPCommand("remove-fd", ["fdset-id": .integer(Int64(number))]) }
}
