/// What has to be done for a bridge to be as wanted, or to be gone. Pure: the links that exist go in, operations come
/// out, and none of them if all is already so.
public enum BridgePlan {
    /// The MTU of a bridge that nobody gave one (ETH_DATA_LEN).
    static let usualMTU = 1500

    /// Makes the bridge exist, up, with the MTU wanted.
    ///
    /// - Parameter index: The number that a new one gets; 0 for the kernel's choice.
    /// - Throws: `exists` if the name belongs to a device that is no bridge.
    public static func up(
        _ wanted: BridgeSpec, found: [Link], index: UInt32 = 0
    ) throws(NetworkError) -> [NetworkOperation] {
        guard let link = found.first(where: { $0.name == wanted.name.description }) else {
            return create(wanted, index)
        }
        guard link.isBridge else {
            throw NetworkError(
                .exists, subject: link.name, doing: "creating the bridge",
                reason: "the name belongs to \(link.article) that is no bridge",
                remedy: "choose another name for the bridge")
        }
        var from = LinkSettings()
        var to = LinkSettings()
        // To give it the address that it has makes it keep that one.
        if wanted.replacesMAC, link.mac != wanted.mac || link.keepsMAC == false {
            (from.mac, to.mac) = (link.mac, wanted.mac)
        }
        if let mtu = wanted.mtu, link.mtu != mtu { (from.mtu, to.mtu) = (link.mtu, mtu) }
        if !link.isUp { (from.isUp, to.isUp) = (false, true) }
        return to.isEmpty ? [] : [.change(wanted.name, from: from, to: to)]
    }

    /// Makes the bridge be gone.
    ///
    /// - Throws: `busy` if anything is still joined to it, or sits on it, naming what; `exists` if the name belongs to a device
    ///   that is no bridge.
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
                .busy, subject: link.name, doing: "deleting the bridge", reason: "still joined to it: \(list(ports))",
                remedy: "stop the VMs and take the other ports out first; ip-link(8) says how (nomaster)")
        }
        // The kernel would delete them with it.
        let upper = found.filter { $0.lower == link.index && $0.kind != "veth" }
        guard upper.isEmpty else {
            throw NetworkError(
                .busy, subject: link.name, doing: "deleting the bridge",
                reason: "there are links on it: \(list(upper))",
                remedy: """
                    stop the VMs that have one of them; where nobody needs the others, delete them; ip-link(8) says how
                    """)
        }
        return [.delete(name)]
    }

    private static func create(_ wanted: BridgeSpec, _ index: UInt32) -> [NetworkOperation] {
        let creation = NetworkOperation.createBridge(wanted.name, mac: wanted.mac, index: index)
        guard let mtu = wanted.mtu else { return [creation] }
        // Only an MTU set after the creation makes the bridge keep it (BROPT_MTU_SET_BY_USER in br_change_mtu,
        // net/bridge/br_device.c); one set with it is lost again when the last port leaves.
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
