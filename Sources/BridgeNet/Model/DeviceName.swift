/// What a network device can be called by: its name, or one of its alternative names (ip-link(8), altname), which may be
/// longer, as udev makes them of hardware's places: `enp0s20f0u1u2u3i5`.
public struct DeviceName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name in bytes: ALTIFNAMSIZ without its NUL.
    public static let maximumLength = 127

    /// The name itself.
    public let description: String

    /// Takes a name that a device may have; anything else is nil.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, InterfaceName.isPlain(text) else { return nil }
        guard text.utf8.count > InterfaceName.maximumLength || InterfaceName(text) != nil else { return nil }
        self.description = text
    }

    /// A device's own name.
    public init(_ name: InterfaceName) { description = name.description }
}

extension [Link] {
    /// The link that is called so: by its name, or by one of its alternative names, of which no two links have the same.
    public func called(_ name: DeviceName) -> Link? {
        first { $0.name == name.description } ?? first { $0.alternativeNames.contains(name.description) }
    }
}
