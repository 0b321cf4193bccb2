/// One change to the kernel's links: a step of a plan. Each is one netlink request.
public enum LinkOperation: Equatable, Sendable {
    /// Creates a bridge that is up, with an address of its own, without spanning tree, whose ports forward at once.
    case createBridge(InterfaceName, mac: MACAddress)
    /// Deletes a link. It has no inverse, so it belongs at the end of a plan.
    case delete(InterfaceName)
    /// Makes the settings `to`; `from` holds the same settings as they were.
    case change(InterfaceName, from: LinkSettings, to: LinkSettings)

    /// The link that it is about.
    public var subject: InterfaceName {
        switch self {
        case .createBridge(let name, _), .delete(let name), .change(let name, _, _): name
        }
    }

    /// What takes it back; nil for a deletion, because what else hung on the link (addresses, routes, options) can't be
    /// brought back.
    public var inverse: LinkOperation? {
        switch self {
        case .createBridge(let name, _): .delete(name)
        case .delete: nil
        case .change(let name, let from, let to): .change(name, from: to, to: from)
        }
    }

    /// Whether a failure may leave part of it done. The kernel creates and deletes a link wholly or not at all, but
    /// makes settings one after the other and stops at the first that fails (`do_setlink`, net/core/rtnetlink.c).
    var mayFailHalfway: Bool {
        if case .change = self { true } else { false }
    }
}

extension LinkOperation: CustomStringConvertible {
    /// In words, for `--dry-run` and errors: `create bridge br0 with MAC 02:…`.
    public var description: String {
        switch self {
        case .createBridge(let name, let mac): "create bridge \(name) with MAC \(mac), up"
        case .delete(let name): "delete \(name)"
        case .change(let name, _, let to): "set \(name): \(to)"
        }
    }
}
