import SystemPackage

/// A descriptor that QEMU opens by a file name: the only member of a set (`add-fd`, QEMU, qapi/misc).
package struct DescriptorSet: Equatable, Sendable {
    /// The set's number. At start it is the descriptor's own.
    package let number: CInt
    /// What the descriptor is, and so how it is opened.
    package let role: Descriptor.Role
    /// The name that QEMU opens.
    package let path: String

    /// Describes a set; see the properties.
    ///
    /// - Parameter path: the file itself, where QEMU opens that and there is no set.
    package init(_ number: CInt, _ role: Descriptor.Role, path: String? = nil) {
        self.number = number
        self.role = role
        self.path = path ?? Self.directory + String(number)
    }

    private static let directory = "/dev/fdset/"

    /// The number of the set with that name; nil if it is no set's name.
    static func number(ofPath path: String) -> CInt? {
        path.hasPrefix(directory) ? CInt(path.dropFirst(directory.count)) : nil
    }

    /// The value of `-add-fd`, for a descriptor that QEMU inherits.
    package var argument: String {
        var option = OptionText("fd=\(number)")
        option.add("set", String(number))
        if let image { option.add("opaque", image.string) }
        return option.text
    }

    /// The command that makes the set of the descriptor that is sent along.
    package var plugged: QMPCommand {
        var arguments: [String: JSON] = ["fdset-id": .integer(Int64(number))]
        if let image { arguments["opaque"] = .string(image.string) }
        return QMPCommand("add-fd", arguments)
    }

    /// What `query-fdsets` then tells of it: which image the guest has is known from QEMU itself.
    private var image: FilePath? { if case .image(let path, _, _) = role { path } else { nil } }

    /// The command that closes the descriptor, once no block node is on it: `blockdev-del` alone keeps it open.
    ///
    /// QEMU 7.2 closes it only while the machine runs. Said to a machine that is paused, it does nothing until it is said
    /// again.
    package var unplugged: QMPCommand { QMPCommand("remove-fd", ["fdset-id": .integer(Int64(number))]) }
}
