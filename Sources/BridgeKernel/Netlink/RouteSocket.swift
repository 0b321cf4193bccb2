import BridgeNet
import SystemPackage

/// A netlink route socket of one network namespace: that of the thread that opened it (rtnetlink(7)). It handles one
/// request at a time, which is why asking mutates. It is closed when it is destroyed.
public struct RouteSocket: ~Copyable {
    private var exchange: Exchange

    /// How long the kernel may take for one answer. It answers in microseconds, unless its network lock is held.
    public static let defaultLimit = Duration.seconds(5)

    /// Opens the socket.
    ///
    /// - Parameter limit: How long any one answer may take.
    public init(limit: Duration = defaultLimit) throws(NetworkError) {
        do {
            self.init(transport: try KernelTransport(), limit: limit)
        } catch {
            throw NetworkError(.socket(error), subject: "netlink", doing: "opening a route socket")
        }
    }

    init(transport: any NetlinkTransport, limit: Duration = defaultLimit) {
        self.exchange = Exchange(transport, limit: limit)
    }

    /// All links of the namespace, as one consistent snapshot.
    public mutating func links() throws(NetworkError) -> [Link] {
        try list(LinkRequest.dump, of: LinkWire.newLink, "links") { payload throws(WireError) in
            try Link(decoding: payload)
        }
    }

    /// The link with this name; nil if there is none.
    public mutating func link(named name: InterfaceName) throws(NetworkError) -> Link? {
        try oneLink(LinkRequest.get(name), subject: name.description)
    }

    /// The link with this name or alternative name; nil if there is none.
    public mutating func link(called name: DeviceName) throws(NetworkError) -> Link? {
        try oneLink(LinkRequest.get(name), subject: name.description)
    }

    /// The link with this index; nil if there is none.
    public mutating func link(numbered index: UInt32) throws(NetworkError) -> Link? {
        try oneLink(LinkRequest.get(index), subject: "link \(index)")
    }

    private mutating func oneLink(_ request: LinkRequest, subject: String) throws(NetworkError) -> Link? {
        let doing = "looking it up"
        do {
            let answer = try ask(request, subject: subject, doing: doing)
            return try decode(answer, of: LinkWire.newLink, subject: subject, doing: doing) {
                payload throws(WireError) in try Link(decoding: payload)
            }.first
        } catch  where error.errno == .noSuchDevice { return nil }
    }

    /// All IPv4 and IPv6 addresses, in the kernel's order.
    public mutating func addresses() throws(NetworkError) -> [InterfaceAddress] {
        try list(EntryRequest.dumpAddresses, of: AddressWire.new, "addresses") { payload throws(WireError) in
            try InterfaceAddress(decoding: payload)
        }
    }

    /// All IPv4 and IPv6 routes of all tables, in the kernel's order.
    public mutating func routes() throws(NetworkError) -> [Route] {
        // One family at a time. A kernel without IPv6 answers a request for IPv6 with everything it has.
        var routes: [Route] = []
        for family in IPAddress.Family.allCases {
            routes += try list(EntryRequest.dumpRoutes(family), of: RouteWire.new, "routes") {
                payload throws(WireError) in try Route(decoding: payload)
            }.filter { $0.family == family }
        }
        return routes
    }

    /// All policy routing rules, IPv4 and IPv6, in the order in which the kernel applies them.
    public mutating func rules() throws(NetworkError) -> [Rule] {
        var rules: [Rule] = []
        for family in IPAddress.Family.allCases {
            rules += try list(EntryRequest.dumpRules(family), of: RuleWire.new, "rules") {
                payload throws(WireError) in try Rule(decoding: payload)
            }.filter { $0.family == family }
        }
        return rules
    }

    /// The entries of one of the kernel's tables.
    mutating func list<Entry>(
        _ request: any RouteRequest, of type: UInt16, _ what: String,
        _ decoding: (ArraySlice<UInt8>) throws(WireError) -> Entry?
    ) throws(NetworkError) -> [Entry] {
        let answer = try ask(request, subject: what, doing: "listing them")
        return try decode(answer, of: type, subject: what, doing: "listing them", decoding)
    }

    /// Sends a request and returns the answer.
    mutating func ask(
        _ request: any RouteRequest, subject: String, doing: String
    ) throws(NetworkError) -> [NetlinkMessage] {
        do {
            return try exchange.request(request)
        } catch { throw NetworkError(error, subject: subject, doing: doing) }
    }

    /// Decodes the messages of an answer, which must all be of one type.
    func decode<Entry>(
        _ answer: [NetlinkMessage], of type: UInt16, subject: String, doing: String,
        _ decoding: (ArraySlice<UInt8>) throws(WireError) -> Entry?
    ) throws(NetworkError) -> [Entry] {
        var entries: [Entry] = []
        for message in answer {
            do throws(WireError) {
                guard message.type == type else {
                    throw WireError(what: "message type", problem: .unexpected(UInt64(message.type)))
                }
                if let entry = try decoding(message.payload) { entries.append(entry) }
            } catch { throw NetworkError(.malformed(error.description), subject: subject, doing: doing) }
        }
        return entries
    }
}
