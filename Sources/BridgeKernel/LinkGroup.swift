import BridgeNet

extension RouteSocket {
    /// Deletes all links of a group in one request. One by one the kernel waits some 18 ms for each link, until nobody can
    /// be using it any more; for a group it waits once (`rtnl_group_dellink`, net/core/rtnetlink.c).
    ///
    /// - Throws: `notFound` if no link is of that group, `denied` for group 0, which is every link's that is of no other.
    public mutating func deleteLinks(ofGroup group: UInt32) throws(NetworkError) {
        _ = try ask(LinkRequest.deleteGroup(group), subject: "group \(group)", doing: "deleting its links")
    }
}
