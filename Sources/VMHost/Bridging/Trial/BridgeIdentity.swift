import BridgeNet

/// What identifies a bridge. The number alone does not: a bridge made later may reuse it.
struct BridgeIdentity: Equatable {
    /// Its interface index; 0 if the kernel chooses it.
    var link: UInt32
    /// The MACs that it has before, during and after a change.
    var macs: Set<MACAddress>

    init(link: UInt32, macs: Set<MACAddress>) { (self.link, self.macs) = (link, macs) }

    /// The identity of a bridge throughout a plan.
    init(_ bridge: InterfaceName, through plan: [NetworkOperation], found: NetworkState) {
        let present = found.link(named: bridge)
        self.init(link: present?.index ?? 0, macs: Set([present?.mac].compactMap(\.self)))
        for operation in plan {
            switch operation {
            case .createBridge(bridge, let mac, let index):
                link = index
                macs.insert(mac)
            case .change(bridge, _, let settings): if let mac = settings.mac { macs.insert(mac) }
            default: continue
            }
        }
    }

    /// Whether a link may be that bridge.
    func isThat(of found: Link) -> Bool {
        (link == 0 || link == found.index) && (found.mac.map(macs.contains) ?? false)
    }
}
