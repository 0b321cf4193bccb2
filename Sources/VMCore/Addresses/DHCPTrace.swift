import BridgeNet

/// How a guest's exchange with DHCP servers went. Anybody on the network can send the guest what looks like an answer:
/// only an answer to a question that the guest was heard to ask counts, and only once.
struct DHCPTrace: Equatable {
    /// The last message, from either side.
    private(set) var last: DHCPMessage?
    /// How often the guest has asked since it was last answered.
    private(set) var unanswered = 0
    /// The transaction numbers of the guest's latest questions that no server has settled yet.
    private var open: [UInt32] = []

    /// More than a guest asks at once.
    private static let mostQuestions = 8

    /// Takes in a message from the guest or to it.
    ///
    /// - Returns: Whether it counts.
    mutating func hear(_ message: DHCPMessage, isFromGuest: Bool) -> Bool {
        guard isFromGuest ? message.isQuestion : open.contains(message.transaction) else { return false }
        last = message
        switch message.kind {
        case .discover, .request, .inform:
            unanswered += 1
            guard !open.contains(message.transaction) else { break }
            open = open.suffix(Self.mostQuestions - 1) + [message.transaction]
        case .offer: unanswered = 0
        case .acknowledgement, .refusal:
            unanswered = 0
            open.removeAll { $0 == message.transaction }
        case .decline, .release: break
        }
        return true
    }
}

extension DHCPMessage {
    /// Whether a client sends it, and not a server.
    fileprivate var isQuestion: Bool {
        switch kind {
        case .discover, .request, .inform, .decline, .release: true
        case .offer, .acknowledgement, .refusal: false
        }
    }
}
