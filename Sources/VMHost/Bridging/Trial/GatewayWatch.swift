import BridgeKernel
import BridgeNet

/// Watches whether gateways still answer ARP or ND, which even gateways that drop pings do.
struct GatewayWatch: ~Copyable {
    private var socket: RouteSocket
    private let gateways: [IPAddress]
    private let link: UInt32
    private var lastAnswer: [IPAddress: ContinuousClock.Instant]

    /// How long a gateway may be silent. The kernel asks a known neighbour three times by unicast, a second apart, and
    /// then by broadcast.
    static let patience = Duration.seconds(6)

    init(_ gateways: [IPAddress], link: UInt32) throws(NetworkError) {
        socket = try RouteSocket()
        (self.gateways, self.link) = (gateways, link)
        lastAnswer = gateways.reduce(into: [:]) { $0[$1] = .now }
    }

    /// Asks again.
    ///
    /// - Returns: a gateway that has been silent for too long, if there is one.
    mutating func look() -> IPAddress? {
        if gateways.isEmpty { return nil }
        // If the kernel can't be asked, as when the link is gone, that counts as silence.
        for gateway in (try? socket.askNeighbours(gateways, link: link)) ?? [] { lastAnswer[gateway] = .now }
        return gateways.first { gateway in lastAnswer[gateway].map { $0.duration(to: .now) > Self.patience } ?? false }
    }

    /// The gateways that answer now, within `limit`.
    static func answering(_ gateways: [IPAddress], link: UInt32, limit: Duration) throws(NetworkError) -> [IPAddress] {
        var socket = try RouteSocket()
        let deadline = Deadline(in: limit)
        // The first question returns what was known before.
        _ = try socket.askNeighbours(gateways, link: link)
        var answered: Set<IPAddress> = []
        while answered.count < gateways.count, !deadline.hasPassed {
            pause(.milliseconds(20))
            answered.formUnion(try socket.askNeighbours(gateways.filter { !answered.contains($0) }, link: link))
        }
        return gateways.filter(answered.contains)
    }
}
