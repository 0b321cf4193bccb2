/// The operations that make a bridge as wanted, or delete it. Pure: the existing links go in, operations come out.
/// There are none if nothing has to change.
public enum BridgePlan {
    /// The kernel's default MTU of a bridge (ETH_DATA_LEN).
    static let usualMTU = 1500

    /// Makes the bridge exist, up, with the wanted MTU.
    ///
    /// - Parameter index: The index of a new bridge; 0 lets the kernel choose.
    /// - Throws: `exists` if the name belongs to a device that is not a bridge.
    public static func up(
        _ wanted: BridgeSpec, found: [Link], index: UInt32 = 0
    ) throws(NetworkError) -> [NetworkOperation] {
        guard let link = found.first(where: { $0.name == wanted.name.description }) else {
            return create(wanted, index)
        }
        guard link.isBridge else {
            throw NetworkError(
                .exists, subject: link.name, doing: "creating the bridge",
                reason: "the name belongs to \(link.article), not a bridge",
                remedy: "choose another name for the bridge")
        }
        var from = LinkSettings()
        var to = LinkSettings()
        // Setting the address that it already has makes the bridge keep it.
        if wanted.replacesMAC, link.mac != wanted.mac || link.keepsMAC == false {
            (from.mac, to.mac) = (link.mac, wanted.mac)
        }
        if let mtu = wanted.mtu, link.mtu != mtu { (from.mtu, to.mtu) = (link.mtu, mtu) }
        if !link.isUp { (from.isUp, to.isUp) = (false, true) }
        return to.isEmpty ? [] : [.change(wanted.name, from: from, to: to)]
    }

    /// Deletes the bridge.
    ///
    /// - Throws: `busy`, naming the links, if anything is still joined to it or sits on top of it; `exists` if the name
    ///   belongs to a device that is not a bridge.
    public static func down(_ name: InterfaceName, found: [Link]) throws(NetworkError) -> [NetworkOperation] {
        guard let link = found.first(where: { $0.name == name.description }) else { return [] }
        guard link.isBridge else {
            throw NetworkError(
                .exists, subject: link.name, doing: "deleting the bridge",
                reason: "it is \(link.article), not a bridge", remedy: "name a bridge")
        }
        let ports = found.filter { $0.controller == link.index }
        guard ports.isEmpty else {
            throw NetworkError(
                .busy, subject: link.name, doing: "deleting the bridge", reason: "it still has ports: \(list(ports))",
                remedy: "stop the VMs and take the other ports out first; ip-link(8) says how (nomaster)")
        }
        // The kernel would delete them along with it.
        let upper = found.filter { $0.lower == link.index && $0.kind != "veth" }
        guard upper.isEmpty else {
            throw NetworkError(
                .busy, subject: link.name, doing: "deleting the bridge",
                reason: "there are links on it: \(list(upper))",
                remedy: """
                    stop the VMs that use them; delete the others if nobody needs them; ip-link(8) says how
                    """)
        }
        return [.delete(name)]
    }

    private static func create(_ wanted: BridgeSpec, _ index: UInt32) -> [NetworkOperation] {
        let creation = NetworkOperation.createBridge(wanted.name, mac: wanted.mac, index: index)
        guard let mtu = wanted.mtu else { return [creation] }
        // Only an MTU set after creation makes the bridge keep it (BROPT_MTU_SET_BY_USER in br_change_mtu,
        // net/bridge/br_device.c). One set at creation is lost again when the last port leaves.
        return [creation, .change(wanted.name, from: LinkSettings(mtu: usualMTU), to: LinkSettings(mtu: mtu))]
    }

    /// `tap0 (web), tap1 (db) and 3 more`.
    private static func list(_ ports: [Link], limit: Int = 8) -> String {
        let named = ports.prefix(limit).map { port in port.alias.map { "\(port.name) (\($0))" } ?? port.name }
        let rest = ports.count - named.count
        return named.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}

extension Link {
    /// `a device of kind veth`, for messages.
    var article: String {
        kind.map { "a device of kind \($0)" } ?? "a network device"
    }
}
