/// A network interface's name as the kernel accepts it (`dev_valid_name` in net/core/dev.c): 1 to 15 bytes, not `.`
/// or `..`, without `/`, `:` and white space. Control bytes and non-ASCII, which the kernel would let pass, are refused
/// too: no tool shows them safely.
public struct InterfaceName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name in bytes: IFNAMSIZ without its NUL.
    public static let maximumLength = 15

    /// The name itself.
    public let description: String

    /// Takes a valid name; anything else is nil.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard (1...Self.maximumLength).contains(bytes.count), text != ".", text != ".." else { return nil }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") })
        else { return nil }
        // "%" makes the kernel's template names ("tap%d"); as a plain name it would surprise every tool.
        guard !bytes.contains(UInt8(ascii: "%")) else { return nil }
        self.description = String(text)
    }
}
