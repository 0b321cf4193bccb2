import BridgeKernel
import BridgeNet
import VMCore

/// A NIC of a running VM whose IP addresses are wanted.
struct SearchedNIC {
    /// The n of `NETn`.
    let index: Int
    /// The guest's MAC address.
    let mac: MACAddress
    /// As in vm.params: `bridge:br0`.
    let network: String
    /// The address that kvmctl's own DHCP server reserves for it.
    let reserved: IPAddress?
    /// The host's end, if it is an interface.
    let tap: Link?
    /// The bridge that it is on, if there is one.
    let bridge: Link?
    /// Listens to the guest's frames, if there is an interface to listen on.
    let listener: NICListener?
    /// Why it is not possible to listen on that interface.
    let deafness: NetworkError?

    /// Looks up a running VM's NIC among the links; nil if its MAC address is not known.
    init?(_ nic: VMDescription.NIC, among links: [Link]) {
        guard let mac = nic.mac else { return nil }
        (index, network, self.mac) = (nic.index, nic.network.description, mac)
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

    /// How many packets the guest has sent since the VM started; nil if the kernel does not tell.
    var packetsFromGuest: UInt64? {
        guard let tap, let name = InterfaceName(tap.name), var socket = try? RouteSocket(),
            let counts = try? socket.packetCounts(of: name)
        else { return nil }
        return tap.isMacvtap ? counts.sent : counts.received
    }

    /// Probes the guest for the remembered addresses and for others. False if nothing was sent: the host has no address
    /// on the guest's bridge, or there is no bridge in between, so that a probe can't be sent to the guest alone.
    ///
    /// - Parameter rest: called after every few frames, so that a slow guest's queue does not overflow.
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

    /// Whether a neighbour entry is this guest: its MAC address, on its bridge, or on any link if it has no bridge.
    func isWhere(_ entry: NeighbourEntry) -> Bool {
        entry.mac == mac && entry.isKnown && (bridge.map { $0.index == entry.link } ?? true)
    }
}

extension Link {
    /// Whether it is a macvtap: what the guest sends, a macvtap counts as sent, and a tap as received.
    var isMacvtap: Bool { kind == "macvtap" }
}

extension NeighbourEntry {
    /// Whether something has answered at that address.
    var isKnown: Bool {
        switch state {
        case .reachable, .stale, .delay, .probe, .permanent: true
        case .incomplete, .failed, .noARP: false
        }
    }
}

extension AddressReport.NIC {
    /// The report on a NIC after a search.
    init(_ nic: SearchedNIC, _ addresses: [GuestAddress], _ forwards: [PortForward]) {
        self.init(index: nic.index, network: nic.network, mac: nic.mac, tap: nic.tap?.name, story: nil)
        let hasAddress = addresses.contains { $0.isConfirmed && !$0.address.isLinkLocal }
        if nic.network == "user" {
            let ways = forwards.map(\.description).joined(separator: ", ")
            story =
                "QEMU's own network, which the host can't reach"
                + (ways.isEmpty ? "; no FORWARDn leads to the guest" : "; forwarded: \(ways)")
        } else if hasAddress {
            let rival = nic.listener?.trace.rival(of: addresses.map(\.address))
            story = rival
            silence = rival.map { _ in .addressTaken }
        } else if let deafness = nic.deafness {
            story = "the guest can't be heard: \(deafness.reason)" + (deafness.remedy.map { "; \($0)" } ?? "")
        } else if let trace = nic.listener?.trace {
            story = trace.explanation(
                received: nic.packetsFromGuest, network: nic.network,
                linkLocal: addresses.map(\.address).filter(\.isLinkLocal))
            silence = trace.silence(received: nic.packetsFromGuest)
        } else {
            story = "its interface \(tap ?? "") does not exist"
        }
    }
}
