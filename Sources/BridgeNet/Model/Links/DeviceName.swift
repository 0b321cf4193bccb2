/// What a network device can be called: its name, or an alternative name (ip-link(8), altname). Alternative names may
/// be longer, such as those that udev derives from a device's location: `enp0s20f0u1u2u3i5`.
public struct DeviceName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name in bytes: ALTIFNAMSIZ without its NUL.
    public static let maximumLength = 127

    /// The name itself.
    public let description: String

    /// Takes a name that a device may have; nil for anything else.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, InterfaceName.isPlain(text) else { return nil }
        guard text.utf8.count > InterfaceName.maximumLength || InterfaceName(text) != nil else { return nil }
        self.description = text
    }

    /// A device's primary name.
    public init(_ name: InterfaceName) { description = name.description }
}

extension [Link] {
    /// The link with this name or alternative name. No two links share an alternative name.
    public func called(_ name: DeviceName) -> Link? {
        first { $0.name == name.description } ?? first { $0.alternativeNames.contains(name.description) }
    }
}
