import SystemPackage

/// A conversation with the kernel about the network of one network namespace: that of the thread that opened it
/// (rtnetlink(7)). One request at a time, which is why asking mutates. Closed when it goes.
public struct RouteSocket: ~Copyable {
    private var exchange: Exchange

    /// How long the kernel may take for one answer. It answers in microseconds, unless somebody holds its network lock.
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

    /// All links of the namespace, as they were together at one moment.
    public mutating func links() throws(NetworkError) -> [Link] {
        let (subject, doing) = ("links", "listing them")
        return try decodeLinks(
            try ask(LinkRequest.dump, subject: subject, doing: doing), subject: subject, doing: doing)
    }

    /// The link of that name; nil if there is none.
    public mutating func link(named name: InterfaceName) throws(NetworkError) -> Link? {
        let doing = "looking it up"
        do {
            let answer = try ask(LinkRequest.get(name), subject: name.description, doing: doing)
            return try decodeLinks(answer, subject: name.description, doing: doing).first
        } catch  where error.errno == .noSuchDevice { return nil }
    }

    /// Carries out one operation. One that fails may be done in part: `perform(_: [LinkOperation])` takes that back.
    ///
    /// - Throws: What the kernel holds against it, such as `exists` for a bridge whose name is taken, `denied` without
    ///   CAP_NET_ADMIN, `busy` for a bridge that is full.
    public mutating func perform(_ operation: LinkOperation) throws(NetworkError) {
        do {
            try carryOut(operation)
        } catch  where error.errno == .addressFamilyNotSupported {
            // The kernel runs without IPv6 and refused before it changed anything; the rest is still to be done.
            guard let rest = operation.withoutIPv6 else { throw error }
            try carryOut(rest)
        }
    }

    /// Carries out operations in order. When one fails, what was done is taken back in reverse and the links are as
    /// before, except as the error's `notUndone` says.
    public mutating func perform(_ plan: [LinkOperation]) throws(NetworkError) {
        for (position, operation) in plan.enumerated() {
            do {
                try perform(operation)
            } catch {
                var failure = error
                let done = plan[..<position] + (operation.mayFailHalfway ? [operation] : [])
                failure.notUndone = undo(done)
                throw failure
            }
        }
    }

    /// Takes operations back, the last one first; those that could not be, in words.
    private mutating func undo(_ done: ArraySlice<LinkOperation>) -> [String] {
        var left: [String] = []
        for operation in done.reversed() {
            guard let inverse = operation.inverse else {
                left.append("\(operation)")
                continue
            }
            do {
                try perform(inverse)
            } catch {
                left.append("\(operation) (\(error.reason))")
            }
        }
        return left
    }

    private mutating func carryOut(_ operation: LinkOperation) throws(NetworkError) {
        let name = operation.subject
        switch operation {
        case .createBridge(_, let mac):
            _ = try ask(
                LinkRequest.createBridge(name, mac: mac), subject: name.description, doing: "creating the bridge")
        case .delete:
            _ = try ask(LinkRequest.delete(name), subject: name.description, doing: "deleting it")
        case .change(_, _, let settings):
            _ = try ask(LinkRequest.change(name, to: settings), subject: name.description, doing: "setting \(settings)")
        }
    }

    mutating func ask(
        _ request: some RouteRequest, subject: String, doing: String
    ) throws(NetworkError) -> [NetlinkMessage] {
        do {
            return try exchange.request(request)
        } catch { throw NetworkError(error, subject: subject, doing: doing) }
    }

    /// What the messages of an answer say, which must all be of one type.
    func decode<Value>(
        _ answer: [NetlinkMessage], of type: UInt16, subject: String, doing: String,
        _ decode: (ArraySlice<UInt8>) throws(WireError) -> Value
    ) throws(NetworkError) -> [Value] {
        var values: [Value] = []
        for message in answer {
            do throws(WireError) {
                guard message.type == type else {
                    throw WireError(what: "message type", problem: .unexpected(UInt64(message.type)))
                }
                values.append(try decode(message.payload))
            } catch { throw NetworkError(.malformed(error.description), subject: subject, doing: doing) }
        }
        return values
    }

    private func decodeLinks(
        _ answer: [NetlinkMessage], subject: String, doing: String
    ) throws(NetworkError) -> [Link] {
        try decode(answer, of: LinkWire.newLink, subject: subject, doing: doing) { (payload) throws(WireError) in
            try Link(decoding: payload)
        }
    }
}

extension LinkOperation {
    /// The operation without what needs IPv6; nil if nothing in it does.
    fileprivate var withoutIPv6: LinkOperation? {
        guard case .change(let name, let from, var to) = self, to.hasIPv6Address != nil else { return nil }
        to.hasIPv6Address = nil
        return .change(name, from: from, to: to)
    }
}

extension NetworkError {
    /// What a failed exchange means to whoever asked for it.
    fileprivate init(_ failure: ExchangeFailure, subject: String, doing: String) {
        switch failure {
        case .socket(let errno):
            self.init(Code(errno), subject: subject, doing: doing, errno: errno)
        case .refused(let verdict):
            self.init(verdict, subject: subject, doing: doing)
        case .malformed(let error):
            self.init(.malformed(error.description), subject: subject, doing: doing)
        case .interrupted:
            self.init(
                .busy, subject: subject, doing: doing, reason: "the links kept changing meanwhile",
                remedy: "try again")
        case .timedOut:
            self.init(.timedOut, subject: subject, doing: doing, errno: .timedOut, remedy: "try again")
        }
    }

    private init(_ verdict: Acknowledgement, subject: String, doing: String) {
        let errno = Errno(rawValue: verdict.code)
        self.init(
            Code(errno), subject: subject, doing: doing,
            reason: errno == .exchangeFull
                ? "the bridge is full: all its 1,023 ports are taken" : nil, errno: errno,
            kernelMessage: verdict.message, remedy: Self.remedy(errno))
    }

    private static func remedy(_ errno: Errno) -> String? {
        switch errno {
        case .exchangeFull: "use another bridge, or stop VMs on this one"
        case .notPermitted, .permissionDenied: "run it as root"
        default: nil
        }
    }
}
