import BridgeKernel
import SystemPackage
import VMCore

/// One connection to a QEMU monitor, used briefly: a QMP socket serves one client at a time.
package struct QMPClient: ~Copyable {
    /// Why a command was not carried out.
    package enum Failure: Error, Equatable {
        /// QEMU did not answer in time.
        case silent
        /// QEMU closed the connection: it has exited, or is about to.
        case closed
        /// QEMU refused the command, with this message.
        case refused(className: String, String)
        /// Something that is not QMP arrived.
        case malformed
        case system(Errno)
    }

    private var channel: LineChannel
    private var nextID: Int64 = 1

    /// Negotiates capabilities with QEMU. Only its reply shows that the machine's devices exist: the monitor's thread
    /// sends its greeting earlier.
    ///
    /// - Parameter peer: a pidfd of QEMU's process; -1: not known.
    package init(_ socket: consuming OwnedDescriptor, peer: CInt = -1, by deadline: Deadline) throws(Failure) {
        channel = LineChannel(socket, peer: peer)
        try execute(.negotiate, by: deadline)
    }

    /// Executes a command and waits for its result. Events in between are dropped: QEMU's flight record keeps them.
    ///
    /// - Parameter passed: a descriptor that QEMU is sent with the command.
    @discardableResult
    package mutating func execute<Reply>(
        _ request: QMPRequest<Reply>, passing passed: CInt? = nil, by deadline: Deadline
    ) throws(Failure) -> Reply {
        let id = nextID
        nextID += 1
        do { try channel.send(request.command.line(id: id), passing: passed, by: deadline) } catch {
            throw Failure(error)
        }
        while true {
            switch try next(by: deadline) {
            case .reply(id: id, let value):
                guard let reply = request.read(value) else { throw .malformed }
                return reply
            case .failure(id: id, let className, let text): throw .refused(className: className, text)
            case .event, .greeting, .reply, .failure: continue
            }
        }
    }

    private mutating func next(by deadline: Deadline) throws(Failure) -> QMPMessage {
        let line: [UInt8]
        do { line = try channel.line(by: deadline) } catch { throw Failure(error) }
        guard let message = QMPMessage(line: line) else { throw .malformed }
        return message
    }
}

extension QMPClient.Failure {
    init(_ failure: LineChannel.Failure) {
        self =
            switch failure {
            case .timedOut: .silent
            case .closed: .closed
            case .system(let errno): .system(errno)
            }
    }

    /// Whether this is how a QEMU looks that has exited, or is about to.
    package var mayBeTheEnd: Bool { self == .closed || self == .system(.connectionRefused) }

    /// The reason in one clause.
    package var cause: String {
        switch self {
        case .silent: "QEMU does not answer on its monitor"
        case .closed: "QEMU closed its monitor"
        case .refused(_, let text): "QEMU refused: \(text)"
        case .malformed: "the answer on the monitor is not QMP"
        case .system(let errno): "the monitor can't be reached (\(errno.description))"
        }
    }
}
