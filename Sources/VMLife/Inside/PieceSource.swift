import Glibc
import SystemPackage
import VMCore
import VMHost

/// The input of a command in a guest, a stream of ours or what a producer makes, sent in pieces, each a file in the guest.
package final class PieceSource {
    private enum Origin {
        case descriptor(CInt)
        /// Nil at the end.
        case producer(() throws(VMError) -> [UInt8]?, isReady: () -> Bool)
    }

    private let origin: Origin
    /// What was read and is not sent yet.
    private var first: [UInt8]
    private var hasEnded: Bool
    private var hasToldEnd = false
    /// Why it can't be read any more.
    private(set) var failure: VMError?

    /// Whether the guest takes pieces.
    var isReady = false
    private var sent: Int64 = 0
    /// Whether the next piece is in the guest, and only has to be told of.
    private var isWritten = false
    private var read: Int64 = 0
    /// The FIFO that tells the guest of each piece.
    private var bell: Int64?
    private var missedBells = 0

    /// How often it may be missing.
    private static let mostMissedBells = 50

    /// The largest piece, and how many the guest may not have read yet.
    private static let piece = 1 << 20
    private static let window: Int64 = 4

    /// - Parameters:
    ///   - first: what was read already.
    ///   - hasEnded: whether that was all.
    package init(_ descriptor: CInt, first: [UInt8], hasEnded: Bool) {
        (origin, self.first, self.hasEnded) = (.descriptor(descriptor), first, hasEnded)
    }

    /// What throws is asked for nothing any more; the command finds the end of its input there.
    ///
    /// - Parameter isReady: whether it can be asked yet.
    init(when isReady: @escaping () -> Bool = { true }, _ produce: @escaping () throws(VMError) -> [UInt8]?) {
        (origin, first, hasEnded) = (.producer(produce, isReady: isReady), [], false)
    }

    var handles: [Int64] { bell.map { [$0] } ?? [] }

    func wasRead(_ number: Int64) { read = min(sent, max(read, number)) }

    private var wantsMore: Bool { isReady && !hasEnded && sent - read < Self.window }

    /// Waits for input, at most this long.
    func wait(_ limit: Duration) {
        guard wantsMore, case .descriptor(let descriptor) = origin else { return pause(limit) }
        var set = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        poll(&set, 1, CInt(clamping: limit.wholeMilliseconds))
    }

    /// Sends the guest what there is. Whether there was something.
    func feed(by turns: AgentTurns, base: String) throws(GuestAgent.Failure) -> Bool {
        guard isReady, !hasToldEnd else { return false }
        if bell == nil { bell = try findBell(by: turns, "\(base).go") }
        guard let bell else { return false }
        if wantsMore, !isWritten { gather() }
        if !first.isEmpty {
            try send(by: turns, to: "\(base).in\(sent + 1)", bell)
            return true
        }
        if hasEnded {
            try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
                try Self.ring(bell, "end\n", agent: &agent, by: deadline)
            }
            hasToldEnd = true
        }
        return false
    }

    /// Opens the FIFO; nil if it is not there any more: the guest's script removes it when the command has ended, which one of the
    /// next looks at its output tells.
    private func findBell(by turns: AgentTurns, _ path: String) throws(GuestAgent.Failure) -> Int64? {
        do throws(GuestAgent.Failure) {
            return try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
                try agent.execute(.openFile(path, mode: "r+"), by: deadline)
            }
        } catch .refused(let words) {
            missedBells += 1
            guard missedBells < Self.mostMissedBells else { throw .refused(words) }
            return nil
        }
    }

    /// Sends a piece. If the agent fails half-way, only what is left is done again: the guest reads a number twice as once.
    private func send(by turns: AgentTurns, to path: String, _ bell: Int64) throws(GuestAgent.Failure) {
        let bytes = first
        if !isWritten {
            try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
                let piece = try agent.execute(.openFile(path, mode: "w"), by: deadline)
                let count = try agent.execute(.write(bytes, to: piece), by: deadline)
                try agent.execute(.close(piece), by: deadline)
                guard count == bytes.count else { throw .refused("it wrote \(count) of \(bytes.count) bytes") }
            }
            isWritten = true
        }
        let line = "\(sent + 1)\n"
        try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            try Self.ring(bell, line, agent: &agent, by: deadline)
        }
        sent += 1
        (first, isWritten) = ([], false)
    }

    private static func ring(
        _ bell: Int64, _ line: String, agent: inout GuestAgent, by deadline: Deadline
    ) throws(GuestAgent.Failure) {
        _ = try agent.execute(.write(Array(line.utf8), to: bell), by: deadline)
        try agent.execute(.flush(bell), by: deadline)
    }

    /// Reads on without waiting, up to a piece.
    private func gather() {
        do throws(VMError) {
            switch origin {
            case .descriptor(let descriptor): hasEnded = try Self.gather(descriptor, into: &first, upTo: Self.piece)
            case .producer(let produce, let isReady):
                guard isReady() else { return }
                while first.count < Self.piece, !hasEnded {
                    if let bytes = try produce() { first += bytes } else { hasEnded = true }
                }
            }
        } catch { (hasEnded, failure) = (true, error) }
    }

    /// Adds what can be read without waiting.
    ///
    /// - Returns: whether that was the end.
    static func gather(
        _ descriptor: CInt, into bytes: inout [UInt8], upTo limit: Int
    ) throws(VMError) -> Bool {
        while bytes.count < limit {
            var set = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
            guard poll(&set, 1, 0) > 0 else { return false }
            var piece = [UInt8](repeating: 0, count: min(limit - bytes.count, 64 << 10))
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count == 0 { return true }
            if count > 0 { bytes += piece[..<count] }
            if count < 0, errno != EINTR, errno != EAGAIN {
                throw .system(Errno(rawValue: errno), "stdin", "can't be read")
            }
        }
        return false
    }

    /// What a stream holds, if that is little and ends now: then it needs no pieces.
    ///
    /// - Throws: why it can't be read.
    package static func beginning(of descriptor: CInt) throws(VMError) -> (bytes: [UInt8], hasEnded: Bool) {
        var bytes: [UInt8] = []
        let hasEnded = try gather(descriptor, into: &bytes, upTo: mostGiven)
        return (bytes, hasEnded)
    }

    /// What is sent with the command itself.
    static let mostGiven = 256 << 10
}
