import SystemPackage

@testable import BridgeKernel
@testable import BridgeNet

/// A kernel that answers from a script: each answer is built with the sequence number of the last request.
final class ScriptedTransport: NetlinkTransport {
    typealias Answer = (_ sequence: UInt32) -> Result<Datagram, Errno>

    private var script: [Answer]
    private(set) var sent: [NetlinkMessage] = []

    init(_ script: [Answer]) {
        self.script = script
    }

    /// The number of answers not yet given.
    var left: Int { script.count }

    func send(_ datagram: [UInt8]) throws(Errno) {
        do {
            sent += try NetlinkMessage.decode(datagram)
        } catch { throw .badMessage }
    }

    func receive(within limit: Duration) throws(Errno) -> Datagram {
        guard !script.isEmpty else { throw .timedOut }
        return try script.removeFirst()(sent.last?.sequence ?? 0).get()
    }

    /// A datagram from the kernel with these messages.
    static func says(_ messages: [UInt8]...) -> Answer {
        { sequence in .success(Datagram(bytes: messages.flatMap { KernelReplies.numbered(sequence, $0) })) }
    }

    static func fails(_ errno: Errno) -> Answer {
        { _ in .failure(errno) }
    }
}
