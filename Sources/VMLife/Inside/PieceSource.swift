import Glibc
import SystemPackage
import VMCore
import VMHost

/// A stream of ours that is the input of a command in a guest, sent in pieces, each a file in the guest.
package final class PieceSource {
    private let descriptor: CInt
    private var first: [UInt8]
    private var hasEnded: Bool
    private var hasToldEnd = false

    /// Whether the guest takes pieces.
    var isReady = false
    private var sent: Int64 = 0
    private var read: Int64 = 0
    /// The FIFO that tells the guest of each piece.
    private var bell: Int64?

    /// The largest piece, and how many the guest may not have read yet.
    private static let piece = 1 << 20
    private static let window: Int64 = 4

    /// - Parameters:
    ///   - first: what was read already.
    ///   - hasEnded: whether that was all.
    package init(_ descriptor: CInt, first: [UInt8], hasEnded: Bool) {
        (self.descriptor, self.first, self.hasEnded) = (descriptor, first, hasEnded)
    }

    var handles: [Int64] { bell.map { [$0] } ?? [] }

    func wasRead(_ number: Int64) { read = min(sent, max(read, number)) }

    private var wantsMore: Bool { isReady && !hasEnded && sent - read < Self.window }

    /// Waits for input, at most this long.
    func wait(_ limit: Duration) {
        guard wantsMore else { return pause(limit) }
        var set = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        poll(&set, 1, CInt(clamping: limit.wholeMilliseconds))
    }

    /// Sends the guest what there is. Whether there was something.
    func feed(by turns: AgentTurns, base: String) throws(GuestAgent.Failure) -> Bool {
        guard isReady, !hasToldEnd else { return false }
        if bell == nil {
            bell = try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
                try agent.execute(.openFile("\(base).go", mode: "r+"), by: deadline)
            }
        }
        guard let bell else { return false }
        if wantsMore || !first.isEmpty { first += gathered() }
        if !first.isEmpty {
            let bytes = first
            try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
                let piece = try agent.execute(.openFile("\(base).in\(sent + 1)", mode: "w"), by: deadline)
                let count = try agent.execute(.write(bytes, to: piece), by: deadline)
                try agent.execute(.close(piece), by: deadline)
                guard count == bytes.count else { throw .refused("it wrote \(count) of \(bytes.count) bytes") }
                try Self.ring(bell, "\(sent + 1)\n", agent: &agent, by: deadline)
            }
            sent += 1
            first = []
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

    private static func ring(
        _ bell: Int64, _ line: String, agent: inout GuestAgent, by deadline: Deadline
    ) throws(GuestAgent.Failure) {
        _ = try agent.execute(.write(Array(line.utf8), to: bell), by: deadline)
        try agent.execute(.flush(bell), by: deadline)
    }

    /// What can be read without waiting, up to a piece.
    private func gathered() -> [UInt8] {
        var bytes: [UInt8] = []
        while !hasEnded, bytes.count + first.count < Self.piece {
            switch Self.available(descriptor, atMost: Self.piece - bytes.count - first.count) {
            case nil: hasEnded = true
            case let piece? where piece.isEmpty: return bytes
            case let piece?: bytes += piece
            }
        }
        return bytes
    }

    /// What can be read without waiting; nil at the end.
    private static func available(_ descriptor: CInt, atMost limit: Int) -> [UInt8]? {
        var set = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        guard poll(&set, 1, 0) > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: min(limit, 64 << 10))
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        if count < 0 { return errno == EINTR || errno == EAGAIN ? [] : nil }
        return count == 0 ? nil : Array(bytes[..<count])
    }

    /// What a stream holds, if that is little and ends now: then it needs no pieces.
    package static func beginning(of descriptor: CInt) -> (bytes: [UInt8], hasEnded: Bool) {
        var bytes: [UInt8] = []
        while bytes.count < 256 << 10 {
            guard let piece = available(descriptor, atMost: (256 << 10) - bytes.count) else { return (bytes, true) }
            if piece.isEmpty { break }
            bytes += piece
        }
        return (bytes, false)
    }
}
