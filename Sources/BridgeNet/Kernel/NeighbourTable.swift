extension RouteSocket {
    /// The neighbour table of the namespace, both families.
    public mutating func neighbours() throws(NetworkError) -> [NeighbourEntry] {
        let (subject, doing) = ("neighbours", "listing them")
        let answer = try ask(NeighbourDump(), subject: subject, doing: doing)
        return try decode(answer, of: NeighbourWire.newNeighbour, subject: subject, doing: doing) {
            (payload) throws(WireError) in try NeighbourEntry.decode(payload)
        }.compactMap(\.self)
    }
}
