import BridgeKernel
import BridgeNet
import VMCore

/// Listens to what passes a VM's network interface, for as long as it is there.
final class NICListener {
    private let socket: PacketSocket
    /// Whether what goes out at the interface is what the guest sends.
    private let guestSends: Bool
    private let began = ContinuousClock.now
    /// What has been taken in.
    private(set) var trace: NICTrace

    /// More than come between two looks, unless a guest floods; it must not keep the others waiting.
    private static let framesAtOnce = 1024

    init(on link: Link, mac: MACAddress) throws(NetworkError) {
        socket = try PacketSocket(on: link)
        guestSends = link.isMacvtap
        trace = NICTrace(mac: mac)
    }

    /// Readable when there is something to take in.
    var descriptor: CInt { socket.descriptor }

    /// Sends the guest a frame; false where its queue is full, or the interface is gone.
    func send(_ frame: [UInt8]) -> Bool { (try? socket.send(frame)) ?? false }

    /// The addresses that the guest has, as far as has been taken in.
    var addresses: [IPAddress: Set<GuestAddress.Source>] { trace.addresses(at: .now - began) }

    /// Takes in what has passed.
    func takeIn() {
        for _ in 0..<Self.framesAtOnce {
            // Of an interface that is gone the VM's lock tells more.
            guard let passing = try? socket.next() else { return }
            guard let frame = EthernetFrame(decoding: passing.frame) else { continue }
            trace.hear(frame, isFromGuest: passing.isOutgoing == guestSends, at: .now - began)
        }
    }
}
