import BridgeNet
import SystemPackage

extension RouteSocket {
    /// Limits the rate at which an interface sends. The limit is deleted along with the interface.
    ///
    /// - Returns: The bucket, sized for the interface's MTU.
    /// - Throws: `exists` if the interface already has a queueing discipline, `unsupported` if the kernel has no token
    ///   bucket.
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
