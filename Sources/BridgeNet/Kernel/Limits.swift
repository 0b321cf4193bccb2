import SystemPackage

extension RouteSocket {
    /// Limits what leaves an interface of that index; its name is for errors. The limit goes with the interface.
    ///
    /// - Throws: `exists` where it has a queueing discipline of somebody's already, `notFound` where the kernel has no
    ///   tbf.
    public mutating func limit(
        _ name: InterfaceName, index: UInt32, to bucket: TokenBucket
    ) throws(NetworkError) {
        do {
            _ = try ask(
                EntryRequest.limit(index, to: bucket), subject: name.description, doing: "limiting its rate")
        } catch  where error.errno == .noSuchFileOrDirectory {
            throw NetworkError(
                .unsupported, subject: name.description, doing: "limiting its rate",
                reason: "this kernel has no token bucket", remedy: "load it: `modprobe sch_tbf`")
        }
    }
}
