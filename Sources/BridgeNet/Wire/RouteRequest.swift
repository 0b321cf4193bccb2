/// A request of rtnetlink's, whatever it is about: `Exchange` sends it and waits for what it is due.
protocol RouteRequest {
    /// Whether it asks for a whole table: the answer then ends in NLMSG_DONE and not in an acknowledgement.
    var isDump: Bool { get }

    /// The whole message.
    func encoded(sequence: UInt32) -> [UInt8]
}
