import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore

/// The host's bridges, as kvmctl makes and shows them.
package enum Bridges {
    /// A bridge and what is connected to it.
    package struct Bridge: Sendable {
        /// Its name.
        package var name: String
        /// The value for NETn in vm.params: `bridge:br0`, `nat`, `isolated:lab`.
        package var network: String
        /// Whether it is up.
        package var isUp: Bool
        /// Its MTU in bytes.
        package var mtu: Int
        /// Its MAC.
        package var mac: String
        /// Its ports. The alias of a VM's tap is the VM's name.
        package var ports: [(name: String, alias: String?)]
        /// The port that connects it to the outside network, if that can be determined.
        package var uplink: String?
        /// The host's addresses on it.
        package var addresses: [String]
        /// Whether spanning tree is on.
        package var hasSpanningTree: Bool
        /// Whether VLAN filtering is on.
        package var isVLANAware: Bool
    }

    /// A bridge as kvmctl makes it, with a fixed MAC.
    ///
    /// - Parameter mtu: its MTU in bytes; nil: the present one, its uplink's, or the kernel's default.
    package static func spec(_ name: InterfaceName, mtu: Int?) throws(VMError) -> BridgeSpec {
        // Derived from the machine-id, so that it never changes: without a fixed MAC the bridge's would change as taps
        // come and go. A host without a machine-id gets a random MAC, so that no two such hosts share one.
        let host = Array(try MachineID.read().utf8)
        let seed = host.isEmpty ? (0..<16).map { _ in UInt8.random(in: 0...255) } : host
        do throws(NetworkError) {
            return try BridgeSpec(name: name, mac: BridgeSpec.defaultMAC(name: name, seed: seed), mtu: mtu)
        } catch {
            throw VMError(error)
        }
    }

    /// The change that creates a bridge, or makes it match `wanted`.
    package static func up(_ wanted: ConnectedBridge) throws(VMError) -> BridgeChange {
        let name = wanted.bridge.name
        guard !name.isPrivate else {
            throw VMError(
                .usage, name.description, "is reserved for the bridges of nat and isolated networks",
                remedy: "choose another name, such as br0")
        }
        do throws(VMError) { return try plan(wanted) } catch {
            var failure = error
            // The impossible value came from the command line.
            if failure.code == .badData { failure.code = .usage }
            throw failure
        }
    }

    private static func plan(_ wanted: ConnectedBridge) throws(VMError) -> BridgeChange {
        let found = try kernel()
        var change: BridgeChange
        do throws(NetworkError) { change = try BridgeChange(wanted, found: found) } catch { throw VMError(error) }
        let device = wanted.uplink.flatMap { found.link(called: $0) }
        if let device, let uplink = InterfaceName(device.name), !change.isEmpty {
            let bridge = wanted.bridge.name
            let exists = found.link(named: bridge) != nil
            change.notices += [try UplinkSettings.notice(of: uplink, bridge: bridge, exists: exists)].compactMap(\.self)
            change.notices += remains(of: device, heir: bridge, found)
        }
        return change
    }

    /// The change that removes a bridge.
    package static func down(_ name: InterfaceName) throws(VMError) -> BridgeChange {
        let found = try kernel()
        var change: BridgeChange
        do throws(NetworkError) {
            change = BridgeChange(name, try UplinkPlan.down(name, found: found), found: found)
        } catch { throw VMError(error) }
        if let bridge = found.link(named: name),
            let uplink = found.uplink(of: bridge).flatMap({ InterfaceName($0.name) })
        {
            change.notices += remains(of: bridge, heir: uplink, found)
        }
        return change
    }

    private static func remains(of link: Link, heir: InterfaceName, _ found: NetworkState) -> [String] {
        let (ipv4, ipv6) = (Self.text(of: "/proc/net/igmp"), Self.text(of: "/proc/net/igmp6"))
        let groups = MulticastGroups.joined(on: link.index, ipv4: ipv4, ipv6: ipv6)
        return LinkLeftovers(link: link, heir: heir, found: found).notices(groups: groups)
    }

    /// A kernel without IPv6 or multicast has no such file: nothing is joined.
    private static func text(of file: FilePath) -> String {
        String(decoding: (try? readFile(file)) ?? [], as: UTF8.self)
    }

    /// A bridge's name, found by that name or by an alternative one. If there is no such bridge, the name as given.
    ///
    /// - Throws: `.notFound` if there is none and none could have that name.
    package static func name(of bridge: DeviceName) throws(VMError) -> InterfaceName {
        let found = try routing { (socket) throws(NetworkError) in try socket.link(called: bridge) }
        if let name = InterfaceName(found?.name ?? bridge.description) { return name }
        throw VMError(
            .notFound, bridge.description, "there is no such bridge",
            remedy: "\(command: "kvmctl net show") lists the bridges")
    }

    /// Every bridge, sorted by name.
    package static func all() throws(VMError) -> [Bridge] {
        let found = try routing { (socket) throws(NetworkError) in
            NetworkState(links: try socket.links(), addresses: try socket.addresses())
        }
        return found.links.filter(\.isBridge).map { bridge in
            let ports = found.ports(of: bridge).map { (name: $0.name, alias: $0.alias) }
            return Bridge(
                name: bridge.name, network: bridge.privateNetwork ?? "bridge:\(bridge.name)", isUp: bridge.isUp,
                mtu: bridge.mtu, mac: bridge.mac?.description ?? "",
                ports: ports.sorted { $0.name < $1.name }, uplink: found.uplink(of: bridge)?.name,
                addresses: found.addresses.filter { $0.link == bridge.index }.map(\.description),
                hasSpanningTree: bridge.bridge?.spanningTree ?? false,
                isVLANAware: bridge.bridge?.vlanFiltering ?? false)
        }.sorted { $0.name < $1.name }
    }

    /// The host's own interfaces that a bridge or a macvtap could be connected to: neither bridges nor VMs' taps.
    package static func devices() throws(VMError) -> [String] {
        try kernel().links.filter { !$0.isBridge && !$0.isTap && $0.name != "lo" }.map(\.name)
    }

    /// The kernel's whole network state.
    static func kernel() throws(VMError) -> NetworkState {
        try routing { (socket) throws(NetworkError) in try socket.state() }
    }

    /// Runs `body` on a netlink socket.
    package static func routing<Result>(
        _ body: (inout RouteSocket) throws(NetworkError) -> Result
    ) throws(VMError) -> Result {
        do throws(NetworkError) {
            var socket = try RouteSocket()
            return try body(&socket)
        } catch {
            throw VMError(error)
        }
    }
}
