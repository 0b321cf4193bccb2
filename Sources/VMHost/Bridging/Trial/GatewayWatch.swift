import BridgeKernel
import BridgeNet

/// Whether routers still answer, by ARP or ND, which also those do that drop pings.
struct GatewayWatch: ~Copyable {
    private var socket: RouteSocket
    private let gateways: [IPAddress]
    private let link: UInt32
    private var lastAnswer: [IPAddress: ContinuousClock.Instant]

    /// For how long a router may be silent: the kernel asks one that it knows three times, a second apart, and then
    /// everybody.
    static let patience = Duration.seconds(6)

    init(_ gateways: [IPAddress], link: UInt32) throws(NetworkError) {
        socket = try RouteSocket()
        (self.gateways, self.link) = (gateways, link)
        lastAnswer = gateways.reduce(into: [:]) { $0[$1] = .now }
    }

    /// Asks again.
    ///
    /// - Returns: A router that has been silent for too long.
    mutating func look() -> IPAddress? {
        if gateways.isEmpty { return nil }
        // A kernel that can't be asked, as of a link that is gone, has no answers either.
        for gateway in (try? socket.askNeighbours(gateways, link: link)) ?? [] { lastAnswer[gateway] = .now }
        return gateways.first { gateway in lastAnswer[gateway].map { $0.duration(to: .now) > Self.patience } ?? false }
    }

    /// Which of them answer now, within `limit`.
    static func answering(_ gateways: [IPAddress], link: UInt32, limit: Duration) throws(NetworkError) -> [IPAddress] {
        var socket = try RouteSocket()
        let deadline = Deadline(in: limit)
        // What the first question says was known before.
        _ = try socket.askNeighbours(gateways, link: link)
        var answered: Set<IPAddress> = []
        while answered.count < gateways.count, !deadline.hasPassed {
            pause(.milliseconds(20))
            answered.formUnion(try socket.askNeighbours(gateways.filter { !answered.contains($0) }, link: link))
        }
        return gateways.filter(answered.contains)
    }
}
