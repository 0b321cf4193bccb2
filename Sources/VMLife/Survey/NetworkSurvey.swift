import BridgeKernel
import BridgeNet
import VMCore
import VMHost

/// The host's links, with their addresses and routes.
struct NetworkSurvey {
    private var links: [Link] = []
    private var heard: [ForwardingEntry] = []
    private var addresses: [InterfaceAddress] = []
    private var routes: [Route] = []
    /// The ports with a VLAN for untagged frames; read only if a bridge filters VLANs.
    private var untagged: Set<UInt32> = []

    /// - Parameter unseen: collects what could not be examined.
    init(noting unseen: inout [VMError]) {
        do throws(NetworkError) {
            var socket = try RouteSocket()
            links = try socket.links()
            for position in links.indices where links[position].isBridge {
                links[position].keepsMAC = links[position].macIsKept()
            }
            addresses = try socket.addresses()
            routes = try socket.routes()
            heard = try socket.forwardingEntries()
            if links.contains(where: { $0.bridge?.vlanFiltering == true }) { untagged = try socket.untaggedPorts() }
        } catch { unseen.append(VMError(error)) }
    }

    /// The primary name of the bridge with that name or alternative name; nil if there is none.
    func bridge(called word: String) -> String? {
        DeviceName(word).flatMap { links.called($0) }.flatMap { $0.isBridge ? $0.name : nil }
    }

    /// A running VM's tap that is not on its bridge; nil if it is, or if the NIC has no tap.
    func detachedTap(_ nic: VMDescription.NIC) -> MachineCondition.DetachedTap? {
        guard let tap = nic.tap, let link = links.first(where: { $0.name == tap }), link.isTap else { return nil }
        let network = nic.network
        let name: String
        if case .bridge(let device) = network {
            name = device.description
        } else {
            guard let own = network.privateBridge else { return nil }
            name = own.description
        }
        let bridge = DeviceName(name).flatMap { links.called($0) }.flatMap { $0.isBridge ? $0 : nil }
        guard bridge == nil || link.controller != bridge?.index else { return nil }
        return .init(tap: tap, bridge: name, isBridgeThere: bridge != nil, isOwn: network.privateBridge != nil)
    }

    /// The network with its device's primary name: `bridge:br0`.
    func called(_ network: Network) -> Network {
        switch network {
        case .bridge(let device): .bridge(ownName(of: device))
        case .macvtap(let device): .macvtap(ownName(of: device))
        case .nat, .isolated, .user: network
        }
    }

    private func ownName(of device: DeviceName) -> DeviceName {
        links.called(device).flatMap { DeviceName($0.name) } ?? device
    }

    /// The bridges that were asked for or that the VMs name. If none was asked for, also those with taps.
    func bridges(_ asked: [String]?, of machines: [MachineCondition]) -> [BridgeCondition] {
        var named = Set((asked ?? []) + machines.flatMap(\.nics).compactMap(\.bridge))
        // Without a VM yet: the bridge that the first one will use by default.
        if asked == nil, machines.isEmpty { named = ["br0"] }
        return links.filter(\.isBridge).filter { bridge in
            named.contains(bridge.name)
                || asked == nil && links.contains { $0.controller == bridge.index && $0.isTap }
        }.map { condition(of: $0, isNamed: named.contains($0.name)) }.sorted { $0.name < $1.name }
    }

    private func condition(of bridge: Link, isNamed: Bool) -> BridgeCondition {
        let own = addresses(on: bridge)
        var condition = BridgeCondition(name: bridge.name, isUp: bridge.isUp, mtu: bridge.mtu, mac: bridge.mac)
        condition.addresses = own.map(\.prefix.description)
        condition.keepsMAC = bridge.keepsMAC ?? (mayFollowPorts(bridge) ? nil : true)
        if bridge.bridge?.spanningTree == true {
            condition.spanningTreeDelay = .milliseconds(10 * Int(bridge.bridge?.forwardDelay ?? 0))
        }
        condition.filtersVLANs = bridge.bridge?.vlanFiltering == true
        condition.ports = links.filter { $0.controller == bridge.index }.map { port(of: bridge, $0) }
        condition.rivals = links.filter { link in
            link.index != bridge.index && link.isUp
                && addresses(on: link).contains { other in own.contains { $0.prefix.network == other.prefix.network } }
        }.map(\.name)
        condition.isStrictOnPaths = Self.isStrictOnPaths(bridge.name)
        condition.isNamed = isNamed
        condition.candidates = candidates
        return condition
    }

    /// Whether a bridge's MAC is the one that it would have by default, the lowest of its ports'. If so, it is not
    /// known whether the MAC was set.
    private func mayFollowPorts(_ bridge: Link) -> Bool {
        bridge.mac != nil && links.filter { $0.controller == bridge.index }.compactMap(\.mac).min() == bridge.mac
    }

    private func port(of bridge: Link, _ link: Link) -> PortCondition {
        PortCondition(
            name: link.name, isTap: link.isTap, alias: link.alias, isUp: link.isUp, hasCarrier: link.hasCarrier,
            mtu: link.mtu, mac: link.mac, addresses: addresses(on: link).map(\.prefix.description),
            manager: NetworkManaging(of: link.index, controller: bridge.index),
            hasUntaggedVLAN: untagged.contains(link.index),
            heard: heard.filter { $0.port == link.index }.map(\.mac))
    }

    /// Its addresses without link-local ones, which every link that is up has.
    private func addresses(on link: Link) -> [InterfaceAddress] {
        addresses.filter { $0.link == link.index && !$0.address.isLinkLocal }
    }

    /// The links of the host's default routes.
    var waysOut: [String] { outward.map(\.name) }

    /// Those of them that could be a bridge's port.
    private var candidates: [String] {
        outward.filter { $0.isEthernet && !$0.isBridge && !$0.isTap && $0.controller == nil }.map(\.name)
    }

    private var outward: [Link] {
        let ways = routes.filter(\.isDefault).reduce(into: Set<UInt32>()) { $0.formUnion($1.links) }
        return links.filter { ways.contains($0.index) }
    }

    /// The kernel uses the higher of the two values (Documentation/networking/ip-sysctl.rst): 1 is strict, 2 is loose.
    private static func isStrictOnPaths(_ name: String) -> Bool {
        // This is only for advice: if a value can't be read, none is given.
        let values = ["all", name].map { name in
            ((try? Sysctl(key: "net/ipv4/conf/\(name)/rp_filter").value()) ?? nil).flatMap { Int($0) } ?? 0
        }
        return values.max() == 1
    }
}

extension Link {
    /// Whether the other end is connected.
    fileprivate var hasCarrier: Bool { !isUp || ![.down, .lowerLayerDown, .notPresent].contains(state) }
}
