/// A network interface's name as the kernel accepts it (`dev_valid_name` in net/core/dev.c): 1 to 15 bytes, not `.` or
/// `..`, without `/`, `:` or white space. `all` and `default` are refused, because sysctl keeps the settings of all
/// links and of new ones under these names (`sysctl_dev_name_is_allowed`, include/linux/sysctl.h). Control bytes and
/// non-ASCII, which the kernel accepts, are refused too: no tool shows them safely.
public struct InterfaceName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name in bytes: IFNAMSIZ without its NUL.
    public static let maximumLength = 15

    /// The name itself.
    public let description: String

    /// Takes a valid name; nil for anything else.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, Self.isPlain(text) else { return nil }
        guard text != "all", text != "default" else { return nil }
        self.description = text
    }

    /// Takes a valid name that is part of a longer text; nil for anything else.
    public init?(_ text: Substring) { self.init(String(text)) }

    /// Whether it could be a name, apart from its length.
    static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text != "." && text != ".." && text.utf8.allSatisfy(isAllowed)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        // The kernel expands "%" in template names ("tap%d"); in a plain name it would surprise every tool.
        case "/", ":", "%": false
        default: byte > 0x20 && byte < 0x7f
        }
    }
}
