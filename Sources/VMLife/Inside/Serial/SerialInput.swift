import Glibc
import SystemPackage
import VMCore
import VMHost

/// A stream of ours that is the input of a command on a guest's console, sent in pieces: each is compared with its checksum before
/// the command gets it.
final class SerialInput {
    private let descriptor: CInt
    private var rest: [UInt8] = []
    private var hasEnded = false
    private var hasToldEnd = false
    private var sent = 0
    /// How many pieces the command has read.
    var fed = 0
    /// Why it can't be read any more.
    private(set) var failure: VMError?
    /// The size of a piece: small enough at first for a terminal that holds 4,096 bytes, then as much as gets through.
    private var size = smallest

    private static let smallest = 1620
    private static let largest = 8 << 10
    /// How many pieces the command may not have read yet.
    private static let window = 2
    /// How often a piece may arrive damaged.
    private static let attempts = 20

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// What to wait for; nil: nothing can be sent now.
    var wanted: CInt? { hasEnded || sent - fed >= Self.window ? nil : descriptor }

    /// Sends what there is, a piece at most.
    func feed(_ session: SerialSession) throws(VMError) {
        if wanted != nil, rest.isEmpty { gather() }
        if !rest.isEmpty, sent - fed < Self.window { try send(session) }
        if hasEnded, rest.isEmpty, !hasToldEnd {
            _ = try session.ask("close")
            hasToldEnd = true
        }
    }

    private func gather() {
        do throws(VMError) {
            hasEnded = try PieceSource.gather(descriptor, into: &rest, upTo: Self.largest)
        } catch { (hasEnded, failure) = (true, error) }
    }

    private func send(_ session: SerialSession) throws(VMError) {
        for _ in 0..<Self.attempts {
            let piece = Array(rest.prefix(size))
            let lines = session.hello.encoding.lines(of: piece)
            let answer = try session.ask("put", [String(lines.count)], data: lines)
            guard case .took(_, let checksum) = answer, checksum == session.hello.checksum.of(piece) else {
                size = max(size / 4, Self.smallest / 3)
                continue
            }
            // A piece that was sent twice may have been damaged the second time.
            if case .early = try session.ask("use", [String(sent + 1), checksum]) { continue }
            sent += 1
            rest.removeFirst(piece.count)
            size = min(size * 2, Self.largest)
            return
        }
        throw session.line.silence(as: "the guest's console loses what is sent to it")
    }
}
