/// One change to the host's network: a step of a plan. Each one is one netlink request.
public enum NetworkOperation: Equatable, Sendable {
    /// Creates a bridge that is up, with its own MAC and without spanning tree; its ports forward at once. An index
    /// other than 0 is the one that the bridge gets, so that later steps of the plan can refer to it.
    case createBridge(InterfaceName, mac: MACAddress, index: UInt32 = 0)
    /// Deletes a link. It has no inverse, so it belongs at the end of a plan.
    case delete(InterfaceName)
    /// Applies the settings `to`; `from` holds the previous values of the same settings.
    case change(InterfaceName, from: LinkSettings, to: LinkSettings)
    /// Applies a bridge's options `to`; `from` holds the previous values of the same options.
    case changeBridge(InterfaceName, from: BridgeOptions, to: BridgeOptions)
    /// Adds an entry to the kernel's tables. The name is the link's.
    case add(NetworkEntry, on: InterfaceName)
    /// Removes an entry.
    case remove(NetworkEntry, on: InterfaceName)
    /// Changes the flags or lifetimes of an address.
    case changeAddress(InterfaceName, from: InterfaceAddress, to: InterfaceAddress)

    /// The link concerned.
    public var subject: InterfaceName {
        switch self {
        case .createBridge(let name, _, _), .delete(let name), .change(let name, _, _): name
        case .changeBridge(let name, _, _), .add(_, let name), .remove(_, let name): name
        case .changeAddress(let name, _, _): name
        }
    }

    /// The operation that undoes it; nil for a deletion, because what depended on the link (addresses, routes, options)
    /// can't be restored.
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

    /// Whether a failure may leave part of it done. The kernel adds and removes entries wholly or not at all. But it
    /// applies settings one after the other and stops at the first that fails (`do_setlink`, net/core/rtnetlink.c;
    /// `br_changelink`, net/bridge/br_netlink.c).
    package var mayFailHalfway: Bool {
        switch self {
        case .change, .changeBridge: true
        default: false
        }
    }
}

/// An entry in the kernel's tables other than a link.
public enum NetworkEntry: Equatable, Sendable {
    /// An address.
    case address(InterfaceAddress)
    /// A route.
    case route(Route)
    /// A policy routing rule.
    case rule(Rule)
    /// The VLANs of a bridge's port.
    case vlans(PortVLANEntry)
    /// A static neighbour.
    case neighbour(FixedNeighbour)
}

extension NetworkOperation: CustomStringConvertible {
    /// In words, for plans and errors: `create bridge br0 with MAC 02:…`.
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
