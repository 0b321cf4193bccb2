import BridgeNet

/// How a guest's exchange with DHCP servers went. Anybody on the network can send the guest what looks like an answer:
/// only an answer to a question that the guest was heard to ask counts, and only once.
struct DHCPTrace: Equatable {
    /// The last message, from either side.
    private(set) var last: DHCPMessage?
    /// How often the guest has asked since it was last answered.
    private(set) var unanswered = 0
    /// The VLAN that its last question was tagged with; nil: none.
    private(set) var vlan: UInt16?
    /// The VLAN of an answer that the guest did not get, as it asked in another one; nil: there is none.
    private(set) var strayAnswer: VLANTag?
    /// The guest's latest questions that no server has settled yet.
    private var open: [Question] = []

    /// What an answer has to repeat. A guest may ask in several VLANs at once.
    private struct Question: Equatable {
        var transaction: UInt32
        var vlan: UInt16?
    }

    /// More than a guest asks at once.
    private static let mostQuestions = 8

    /// Takes in a message from the guest or to it.
    ///
    /// - Parameter tag: the VLAN that it was tagged with.
    /// - Returns: Whether it counts.
    mutating func hear(_ message: DHCPMessage, in tag: UInt16? = nil, isFromGuest: Bool) -> Bool {
        let question = Question(transaction: message.transaction, vlan: tag)
        if isFromGuest {
            guard message.isQuestion else { return false }
            vlan = tag
        } else {
            guard open.contains(where: { $0.transaction == question.transaction }) else { return false }
            let isStray = !open.contains(question)
            strayAnswer = isStray ? VLANTag(tag) : nil
            if isStray { return false }
        }
        last = message
        switch message.kind {
        case .discover, .request, .inform:
            unanswered += 1
            guard !open.contains(question) else { break }
            open = open.suffix(Self.mostQuestions - 1) + [question]
        case .offer: unanswered = 0
        case .acknowledgement, .refusal:
            unanswered = 0
            open.removeAll { $0 == question }
        case .decline, .release: break
        }
        return true
    }
}

/// Whether a frame is tagged with a VLAN (IEEE 802.1Q), and with which.
enum VLANTag: Equatable {
    case untagged
    case tagged(UInt16)

    init(_ vlan: UInt16?) { self = vlan.map(VLANTag.tagged) ?? .untagged }
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
