import BridgeKernel
import BridgeNet
import VMCore

/// A VM's NIC: its network, and its MAC there.
package struct Station {
    var network: Network
    var mac: MACAddress

    package static func all(of params: VMParams, machineID: String) -> [Station] {
        let identity = Identity(params, machineID: machineID)
        return params.nics.map {
            Station(network: $0.network.value, mac: $0.mac?.value ?? identity.mac(nic: $0.index))
        }
    }
}

/// The links that a VM names.
package struct NetworkFacts {
    /// The bridges, by their primary names.
    package private(set) var bridges: [InterfaceName: BridgeFacts] = [:]
    /// The primary names of bridges that the VM calls by an alternative name.
    package private(set) var names: [DeviceName: InterfaceName] = [:]
    /// The names that its taps should get and that are in use, each with its holder, in words.
    package private(set) var taken: [InterfaceName: String] = [:]

    /// For when the host's links could not be read.
    package init() {}

    /// - Parameters:
    ///   - stations: the NICs of the VM.
    ///   - nat: the network `nat`, as it is or would be made.
    ///   - known: the links as the command first read them; nil: they are read now, and ports are not counted.
    package init(
        _ params: VMParams, _ stations: [Station], nat: NATFacts?, lookingAt known: HostCache?
    ) throws(VMError) {
        guard params.nics.contains(where: { $0.network.value != .user }) else { return }
        do throws(NetworkError) {
            var socket = try RouteSocket()
            let table = try known?.links()
            for network in Set(stations.map(\.network)) {
                guard let (name, link) = try find(network, in: table, using: &socket) else { continue }
                let ports = link.flatMap { table?.ports(of: $0) }
                guard var facts = Self.facts(of: network, link, ports: ports, nat: nat) else { continue }
                if let link, link.isBridge {
                    for station in stations where station.network == network {
                        facts.holders[station.mac] =
                            try Self.holder(of: station.mac, on: link, using: &socket)
                            ?? Self.other(of: station.mac, in: table, besides: params.name.value)
                    }
                }
                bridges[name] = facts
            }
            for name in params.nics.compactMap(\.tap?.value) {
                var link = table?.called(DeviceName(name))
                if link == nil { link = try socket.link(named: name) }
                taken[name] = link?.words
            }
        } catch {
            throw VMError(error)
        }
    }

    /// A network's bridge, if it has one: its primary name, and its link if that exists.
    private mutating func find(
        _ network: Network, in table: LinkTable?, using socket: inout RouteSocket
    ) throws(NetworkError) -> (InterfaceName, Link?)? {
        if let name = network.privateBridge { return (name, try Self.settled(name, using: &socket)) }
        guard case .bridge(let device) = network else { return nil }
        var link = table?.called(device)
        if link == nil { link = try socket.link(called: device) }
        guard let link, let name = InterfaceName(link.name) else { return nil }
        if name.description != device.description { names[device] = name }
        return (name, link)
    }

    /// nil if there is no such bridge.
    private static func facts(of network: Network, _ link: Link?, ports: Int?, nat: NATFacts?) -> BridgeFacts? {
        if network.isPrivate {
            // kvmctl makes it when it is needed, with the right settings.
            let mtu = network == .nat ? nat?.mtu : link?.mtu
            let isForeign = link.map { $0.privateNetwork != network.description } ?? false
            return BridgeFacts(
                otherKind: isForeign ? link?.words : nil, isUp: true, mtu: mtu ?? 1500, ports: link == nil ? 0 : ports)
        }
        return link.map { link in
            BridgeFacts(
                otherKind: link.isBridge ? nil : link.words, isUp: link.isUp, mtu: link.mtu, ports: ports,
                isVLANAware: link.bridge?.vlanFiltering == true)
        }
    }

    /// The holder of a MAC on a bridge: the bridge, a port, or a machine behind a port. VMs are checked elsewhere.
    private static func holder(
        of mac: MACAddress, on bridge: Link, using socket: inout RouteSocket
    ) throws(NetworkError) -> MACHolder? {
        if bridge.mac == mac { return .host("the bridge \(bridge.name)") }
        guard let holder = try socket.holder(of: mac, on: bridge.index),
            let port = try socket.link(numbered: holder.link), holder.isOwn || !port.isTap
        else { return nil }
        return holder.isOwn
            ? .host("\(port.name), a port of \(bridge.name)")
            : .other("a machine behind \(port.name) of \(bridge.name)")
    }

    /// Another of the host's links that has a MAC. It may be on any network.
    private static func other(of mac: MACAddress, in table: LinkTable?, besides vm: VMName) -> MACHolder? {
        let other = table?.links(with: mac).first { $0.alias != vm.description }
        return other.map { .other("\($0.name) of this host") }
    }

    /// The link of one of kvmctl's private bridges. A bridge that another command is just making gets its alias a
    /// moment later.
    private static func settled(_ name: InterfaceName, using socket: inout RouteSocket) throws(NetworkError) -> Link? {
        let deadline = Deadline(in: .milliseconds(500))
        while true {
            let link = try socket.link(named: name)
            guard let link, link.isBridge, link.alias == nil, !deadline.hasPassed else { return link }
            pause(.milliseconds(5))
        }
    }
}

extension Link {
    /// What it is, for people. The alias of a VM's tap is the VM's name.
    fileprivate var words: String {
        if isTap, let alias { return "the VM \(alias)" }
        return kind.map { "a device of kind \($0)" } ?? "a network device"
    }
}
