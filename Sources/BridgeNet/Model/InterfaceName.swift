/// A network interface's name as the kernel accepts it (`dev_valid_name` in net/core/dev.c): 1 to 15 bytes, not `.`
/// or `..`, without `/`, `:` and white space; nor `all` or `default`, under which sysctl keeps the settings of all links
/// and of new ones (`sysctl_dev_name_is_allowed`, include/linux/sysctl.h). Control bytes and non-ASCII, which the kernel
/// would let pass, are refused too: no tool shows them safely.
public struct InterfaceName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name in bytes: IFNAMSIZ without its NUL.
    public static let maximumLength = 15

    /// The name itself.
    public let description: String

    /// Takes a valid name; anything else is nil.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, Self.isPlain(text) else { return nil }
        guard text != "all", text != "default" else { return nil }
        self.description = text
    }

    /// Takes a valid name that is part of a longer text; anything else is nil.
    public init?(_ text: Substring) { self.init(String(text)) }

    /// Whether it can be a name, but for its length.
    static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text != "." && text != ".." && text.utf8.allSatisfy(isAllowed)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        // "%" makes the kernel's template names ("tap%d"); as a plain name it would surprise every tool.
        case "/", ":", "%": false
        default: byte > 0x20 && byte < 0x7f
        }
    }
}
