import BridgeKernel
import BridgeNet
import VMCore

/// A NIC of a running VM, whose addresses are looked for.
struct SearchedNIC {
    /// The n of `NETn`.
    let index: Int
    /// The guest's address on the wire.
    let mac: MACAddress
    /// As in vm.params: `bridge:br0`.
    let network: String
    /// The address that kvmctl's own DHCP server keeps for it.
    let reserved: IPAddress?
    /// The host's end, where it is an interface.
    let tap: Link?
    /// The bridge that it is on, where there is one.
    let bridge: Link?
    /// What hears the guest, where it can be heard.
    let listener: NICListener?
    /// Why it can't be heard, where it could.
    let deafness: NetworkError?

    /// Looks a NIC of the manifest up among the links; nil where its MAC is none.
    init?(_ nic: Manifest.NIC, among links: [Link]) {
        guard let mac = MACAddress(nic.mac) else { return nil }
        (index, network, self.mac) = (nic.index, nic.network, mac)
        reserved = nic.address.flatMap { IPAddress($0) }
        tap = links.first { $0.name == nic.tap }
        let controller = tap?.controller
        bridge = links.first { $0.index == controller }
        do throws(NetworkError) {
            listener = try tap.map { link throws(NetworkError) in try NICListener(on: link, mac: mac) }
            deafness = nil
        } catch {
            (listener, deafness) = (nil, error)
        }
    }

    /// How many packets the guest has sent since the VM started; nil where the kernel does not tell.
    var packetsFromGuest: UInt64? {
        guard let tap, let name = InterfaceName(tap.name), var socket = try? RouteSocket(),
            let counts = try? socket.packetCounts(of: name)
        else { return nil }
        return tap.isMacvtap ? counts.sent : counts.received
    }

    /// Asks the guest whether it has the remembered addresses, and which others. False where nothing was asked: the host
    /// has no address on the guest's bridge, or no bridge lies between, so that no question gets to the guest alone.
    ///
    /// - Parameter rest: Called after each few frames, so that a slow guest's queue does not overflow.
    func ask(_ remembered: [IPAddress], hosts: [InterfaceAddress], rest: () -> Void) -> Bool {
        guard let listener, let bridge, let mac = bridge.mac else { return false }
        let prefixes = hosts.filter { $0.link == bridge.index }.map(\.prefix)
        let probe = AddressProbe(station: self.mac, bridge: mac, prefixes: prefixes)
        let frames = probe.whether(remembered) + probe.search()
        for start in stride(from: 0, to: frames.count, by: Self.framesAtOnce) {
            guard frames[start...].prefix(Self.framesAtOnce).allSatisfy(listener.send) else { break }
            rest()
        }
        return !frames.isEmpty
    }

    /// A fraction of a tap's queue (TUN_READQ_SIZE, 500 frames).
    private static let framesAtOnce = 100

    /// Where a neighbour with its MAC is this guest: on its bridge; on any link where there is none.
    func isWhere(_ entry: NeighbourEntry) -> Bool {
        entry.mac == mac && entry.isKnown && (bridge.map { $0.index == entry.link } ?? true)
    }
}

extension Link {
    /// Whether the guest sends through it, as a macvtap's does, rather than into it from the other end, as a tap's.
    var isMacvtap: Bool { kind == "macvtap" }
}

extension NeighbourEntry {
    /// Whether somebody has answered at that address.
    fileprivate var isKnown: Bool {
        switch state {
        case .reachable, .stale, .delay, .probe, .permanent: true
        case .incomplete, .failed, .noARP: false
        }
    }
}

extension AddressReport.NIC {
    /// What is to be told of a NIC that was looked at.
    init(_ nic: SearchedNIC, _ addresses: [GuestAddress], _ forwards: [PortForward]) {
        self.init(index: nic.index, network: nic.network, mac: nic.mac, tap: nic.tap?.name, story: nil)
        let hasAddress = addresses.contains { $0.isConfirmed && !$0.address.isLinkLocal }
        if nic.network == "user" {
            let ways = forwards.map(\.description).joined(separator: ", ")
            story =
                "QEMU's own network, which the host can't reach into"
                + (ways.isEmpty ? "; no FORWARDn leads to the guest" : "; forwarded: \(ways)")
        } else if hasAddress {
            story = nil
        } else if let deafness = nic.deafness {
            story = "the guest can't be heard: \(deafness.reason)" + (deafness.remedy.map { "; \($0)" } ?? "")
        } else if let trace = nic.listener?.trace {
            story = trace.story(
                received: nic.packetsFromGuest, network: nic.network,
                linkLocal: addresses.map(\.address).filter(\.isLinkLocal))
        } else {
            story = "its interface \(tap ?? "") is not there"
        }
    }
}
