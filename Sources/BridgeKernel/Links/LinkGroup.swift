import BridgeNet

extension RouteSocket {
    /// Deletes all links of a group in one request. Deleted one by one, each link takes about 18 ms, because the kernel
    /// waits until nobody can be using it any longer; for a group it waits once (`rtnl_group_dellink`,
    /// net/core/rtnetlink.c).
    ///
    /// - Throws: `notFound` if the group has no links, `denied` for group 0, which holds every link that is in no other
    ///   group.
    public mutating func deleteLinks(ofGroup group: UInt32) throws(NetworkError) {
        _ = try ask(LinkRequest.deleteGroup(group), subject: "group \(group)", doing: "deleting its links")
    }
}
