import BridgeNet
import SystemPackage

extension RouteSocket {
    /// Limits what leaves an interface. The limit goes with the interface.
    ///
    /// - Returns: the bucket that it was given, for its MTU.
    /// - Throws: `exists` where it has a queueing discipline of somebody's already, `unsupported` where the kernel has no
    ///   token bucket.
    public mutating func limit(
        _ port: PortIdentity, toBytesPerSecond rate: UInt64
    ) throws(NetworkError) -> TokenBucket {
        let doing = "limiting its rate"
        guard let link = try link(numbered: port.index) else {
            throw NetworkError(.notFound, subject: port.name, doing: doing)
        }
        let bucket = TokenBucket(bytesPerSecond: rate, mtu: link.mtu)
        do {
            _ = try ask(EntryRequest.limit(link.index, to: bucket), subject: port.name, doing: doing)
        } catch  where error.errno == .noSuchFileOrDirectory {
            throw NetworkError(
                .unsupported, subject: port.name, doing: doing, reason: "this kernel has no token bucket",
                remedy: .load(module: "sch_tbf"))
        }
        return bucket
    }
}
