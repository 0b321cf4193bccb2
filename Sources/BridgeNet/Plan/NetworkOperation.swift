/// One change to the host's network: a step of a plan. Each is one netlink request.
public enum NetworkOperation: Equatable, Sendable {
    /// Creates a bridge that is up, with an address of its own, without spanning tree, whose ports forward at once. An
    /// index other than 0 is the number that it is to have, so that later steps of the plan can refer to it.
    case createBridge(InterfaceName, mac: MACAddress, index: UInt32 = 0)
    /// Deletes a link. It has no inverse, so it belongs at the end of a plan.
    case delete(InterfaceName)
    /// Makes the settings `to`; `from` holds the same settings as they were.
    case change(InterfaceName, from: LinkSettings, to: LinkSettings)
    /// Makes a bridge's options `to`; `from` holds the same options as they were.
    case changeBridge(InterfaceName, from: BridgeOptions, to: BridgeOptions)
    /// Makes an entry of the kernel's tables. The name is the link's.
    case add(NetworkEntry, on: InterfaceName)
    /// Takes an entry away.
    case remove(NetworkEntry, on: InterfaceName)
    /// Gives an address other flags or lifetimes.
    case changeAddress(InterfaceName, from: InterfaceAddress, to: InterfaceAddress)

    /// The link that it is about.
    public var subject: InterfaceName {
        switch self {
        case .createBridge(let name, _, _), .delete(let name), .change(let name, _, _): name
        case .changeBridge(let name, _, _), .add(_, let name), .remove(_, let name): name
        case .changeAddress(let name, _, _): name
        }
    }

    /// What takes it back; nil for a deletion, because what else hung on the link (addresses, routes, options) can't be
    /// brought back.
    public var inverse: NetworkOperation? {
        switch self {
        case .createBridge(let name, _, _): .delete(name)
        case .delete: nil
        case .change(let name, let from, let to): .change(name, from: to, to: from)
        case .changeBridge(let name, let from, let to): .changeBridge(name, from: to, to: from)
        case .add(let entry, let name): .remove(entry, on: name)
        case .remove(let entry, let name): .add(entry, on: name)
        case .changeAddress(let name, let from, let to): .changeAddress(name, from: to, to: from)
        }
    }

    /// Whether a failure may leave part of it done. The kernel makes and takes things wholly or not at all, but it makes
    /// settings one after the other and stops at the first that fails (`do_setlink`, net/core/rtnetlink.c;
    /// `br_changelink`, net/bridge/br_netlink.c).
    package var mayFailHalfway: Bool {
        switch self {
        case .change, .changeBridge: true
        default: false
        }
    }
}

/// What stands in the kernel's tables beside the links.
public enum NetworkEntry: Equatable, Sendable {
    /// An address.
    case address(InterfaceAddress)
    /// A route.
    case route(Route)
    /// A rule of policy routing.
    case rule(Rule)
    /// The VLANs of a bridge's port.
    case vlans(PortVLANEntry)
    /// What is written down of a neighbour.
    case neighbour(FixedNeighbour)
}

extension NetworkOperation: CustomStringConvertible {
    /// In words, for `--dry-run` and errors: `create bridge br0 with MAC 02:…`.
    public var description: String {
        switch self {
        case .createBridge(let name, let mac, _): "create bridge \(name) with MAC \(mac), up"
        case .delete(let name): "delete \(name)"
        case .change(let name, _, let to): "set \(name): \(to)"
        case .changeBridge(let name, _, let to): "set \(name): \(to)"
        case .add(let entry, let name): "add to \(name): \(entry)"
        case .remove(let entry, let name): "remove from \(name): \(entry)"
        case .changeAddress(let name, _, let to): "set flags and lifetime on \(name): \(to)"
        }
    }
}

extension NetworkEntry: CustomStringConvertible {
    /// `address 10.0.0.5/24`, `route default via 10.0.0.1`, `rule 100 iif eth0 lookup 7`.
    public var description: String {
        switch self {
        case .address(let address): "address \(address)"
        case .route(let route): "route \(route)"
        case .rule(let rule): "\(rule)"
        case .vlans(let entry): "VLAN \(entry.vlans)"
        case .neighbour(let neighbour): "\(neighbour)"
        }
    }
}
