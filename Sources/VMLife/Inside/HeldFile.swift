import VMCore
import VMHost

/// A file of the guest that a script holds open, and that the agent reads or writes meanwhile: that is faster than by way of the
/// script's own streams. The script alone deals with its name, which may be any bytes.
final class HeldFile {
    /// What is done with it.
    enum Work {
        /// It is read from an offset on, up to another.
        case read(Range<Int64>, ([UInt8]) throws(VMError) -> Void)
        /// It is written, in pieces; nil: there are no more.
        case write(() throws(VMError) -> (offset: Int64, bytes: [UInt8])?)
    }

    private let work: Work
    /// The process that has it open, once it has.
    var holder: Int64?
    private var handle: Int64?
    /// How far it was read.
    private var position: Int64 = 0
    /// The piece that is being written.
    private var piece: (offset: Int64, bytes: [UInt8])?

    /// Whether all is done, or nothing more can be.
    private(set) var hasEnded = false
    /// Whether the agent may not open it: a file of another host that its root may not read, say.
    private(set) var isRefused = false
    /// Why the host can't go on.
    private(set) var failure: VMError?
    /// Why the guest can't, in the agent's words.
    private(set) var refusal: String?

    /// The descriptor that the script has it under.
    static let descriptor = 6
    /// How much is asked for at a time, and how often before the first answer.
    private static let count = 512 << 10
    private static let ahead = 8

    init(_ work: Work) {
        self.work = work
        if case .read(let range, _) = work { position = range.lowerBound }
    }

    /// The handle that has to be closed.
    var handles: [Int64] { handle.map { [$0] } ?? [] }

    /// Reads or writes a part of it. Whether there was something to do.
    ///
    /// What fails half-way because of the agent is done again, all of it.
    func move(by turns: AgentTurns) throws(GuestAgent.Failure) -> Bool {
        guard let holder, !hasEnded else { return false }
        do throws(GuestAgent.Failure) {
            guard let handle else {
                try open(holder, turns)
                return true
            }
            switch work {
            case .read(let range, let take): try read(handle, upTo: range.upperBound, turns, take)
            case .write(let next): try write(handle, turns, next)
            }
        } catch .refused(let words) {
            // That passes, or the agent is another one.
            guard let words, !words.contains("frozen"), !words.contains("has not been found") else {
                throw .refused(words)
            }
            (hasEnded, isRefused) = (true, handle == nil)
            refusal = words
        }
        return true
    }

    private func open(_ holder: Int64, _ turns: AgentTurns) throws(GuestAgent.Failure) {
        let mode = if case .read = work { "r" } else { "r+" }
        handle = try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            try agent.execute(.openFile("/proc/\(holder)/fd/\(Self.descriptor)", mode: mode), by: deadline)
        }
    }

    private func read(
        _ handle: Int64, upTo end: Int64, _ turns: AgentTurns, _ take: ([UInt8]) throws(VMError) -> Void
    ) throws(GuestAgent.Failure) {
        let offset = position
        let counts = stride(from: offset, to: end, by: Self.count).prefix(Self.ahead).map {
            Int(min(Int64(Self.count), end - $0))
        }
        let pieces = try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            // What was read last over another connection may not have arrived.
            try agent.post(.seek(handle, to: offset), by: deadline)
            for count in counts { try agent.post(.read(handle, count: count), by: deadline) }
            try agent.reply(to: .seek(handle, to: offset), by: deadline)
            var pieces: [[UInt8]] = []
            for count in counts { pieces.append(try agent.reply(to: .read(handle, count: count), by: deadline)) }
            return pieces
        }
        for (piece, count) in zip(pieces, counts) where !hasEnded {
            do throws(VMError) { if !piece.isEmpty { try take(piece) } } catch { failure = error }
            position += Int64(piece.count)
            // It may have become shorter: that shows in its checksum.
            hasEnded = failure != nil || piece.count < count
        }
        hasEnded = hasEnded || position >= end
    }

    private func write(
        _ handle: Int64, _ turns: AgentTurns, _ next: () throws(VMError) -> (offset: Int64, bytes: [UInt8])?
    ) throws(GuestAgent.Failure) {
        do throws(VMError) { if piece == nil { piece = try next() } } catch {
            (failure, hasEnded) = (error, true)
            return
        }
        let piece = piece
        try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            guard let piece else { return try agent.execute(.flush(handle), by: deadline) }
            try agent.execute(.seek(handle, to: piece.offset), by: deadline)
            let count = try agent.execute(.write(piece.bytes, to: handle), by: deadline)
            guard count == piece.bytes.count else {
                throw .refused("it wrote \(count) of \(piece.bytes.count) bytes")
            }
        }
        hasEnded = piece == nil
        self.piece = nil
    }
}
