import BridgeKernel
import BridgeNet
import VMCore

/// Listens to the frames that pass a VM's network interface.
final class NICListener {
    private let socket: PacketSocket
    /// Whether the interface's outgoing frames are the ones that the guest sends.
    private let guestSends: Bool
    private let began = ContinuousClock.now
    /// What was learned from the frames so far.
    private(set) var trace: NICTrace

    /// More than usually arrive between two calls. A guest that floods must not keep the others waiting.
    private static let framesAtOnce = 1024

    init(on link: Link, mac: MACAddress) throws(NetworkError) {
        socket = try PacketSocket(on: link)
        guestSends = link.isMacvtap
        trace = NICTrace(mac: mac)
    }

    /// Readable when there are frames to take in.
    var descriptor: CInt { socket.descriptor }

    /// Sends the guest a frame; false if its queue is full, or the interface is gone.
    func send(_ frame: [UInt8]) -> Bool { (try? socket.send(frame)) ?? false }

    /// The guest's addresses, according to the frames so far.
    var addresses: [IPAddress: Set<GuestAddress.Source>] { trace.addresses(at: .now - began) }

    /// Takes in the frames that have passed.
    func takeIn() {
        for _ in 0..<Self.framesAtOnce {
            // The interface may be gone; then the VM's lock says more.
            guard let passing = try? socket.next() else { return }
            guard var frame = EthernetFrame(decoding: passing.frame) else { continue }
            frame.vlan = passing.vlan
            trace.hear(frame, isFromGuest: passing.isOutgoing == guestSends, at: .now - began)
        }
    }
}
