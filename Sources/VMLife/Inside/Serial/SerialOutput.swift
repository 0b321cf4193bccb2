import VMCore
import VMHost

/// The output of a command on a guest's console, taken piece by piece.
final class SerialOutput {
    private var streams: [SerialFrame.Stream: OutputStream]
    /// The last piece of each that was taken as a whole.
    private(set) var taken: [SerialFrame.Stream: Int] = [.out: 0, .err: 0]
    /// How many blocks are asked for at once: fewer where much is damaged.
    private(set) var blocks = SerialScript.pieceBlocks
    /// When the last came.
    private(set) var lastPiece = ContinuousClock.now

    /// How often a part may arrive damaged.
    private static let attempts = 100

    init(_ output: OutputStream, _ errors: OutputStream) { streams = [.out: output, .err: errors] }

    /// When no more of it is read; nil: all of it is.
    var limit: Deadline? { didSet { for stream in streams.keys { streams[stream]?.limit = limit } } }

    /// Whether no more of it is read.
    var isOverdue: Bool { limit?.hasPassed == true }

    /// Whether nobody reads the output any more, or it can't be written.
    var isClosed: Bool { streams.values.contains { $0.isClosed } }

    /// Why one of our streams failed.
    var failure: VMError? { streams[.out]?.failure ?? streams[.err]?.failure }

    /// Takes the first part of the next piece of a stream, and fetches what is left of it.
    func take(_ part: SerialFrame.Part, _ first: [UInt8]?, _ session: SerialSession) throws(VMError) {
        guard part.number == (taken[part.stream] ?? 0) + 1, part.offset == 0 else { return }
        var piece: [UInt8] = []
        var isWhole = add(first, to: &piece)
        var attempts = Self.attempts
        while !isWhole {
            let offset = piece.count / SerialScript.block
            let answer = try session.ask(
                "part", [part.stream.rawValue, part.number, offset, blocks].map { "\($0)" })
            var bytes: [UInt8]?
            if case .part(let next, let data) = answer, next.stream == part.stream, next.offset == offset {
                bytes = data
            }
            attempts -= bytes == nil ? 1 : 0
            guard attempts > 0 else { throw session.line.silence(as: "the guest's console damages what is sent") }
            isWhole = add(bytes, to: &piece)
        }
        streams[part.stream]?.write(piece) {}
        taken[part.stream] = part.number
        lastPiece = .now
    }

    /// Adds a part; nil: it was damaged. Whether that was the last one.
    private func add(_ bytes: [UInt8]?, to piece: inout [UInt8]) -> Bool {
        let limit = SerialScript.pieceBlocks * SerialScript.block
        guard let bytes, bytes.count <= blocks * SerialScript.block, piece.count + bytes.count <= limit else {
            blocks = max(1, blocks / 2)
            return false
        }
        let isLast = bytes.count < blocks * SerialScript.block || piece.count + bytes.count == limit
        piece += bytes
        blocks = min(SerialScript.pieceBlocks, blocks * 2)
        return isLast
    }
}
