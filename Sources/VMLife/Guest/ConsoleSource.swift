import VMCore
import VMHost

/// What a guest writes on its serial console, or its firmware on the debug port, from the end of what it wrote so far.
struct ConsoleSource: ~Copyable {
    private var log: LogReader

    /// How much of what it wrote before is looked at, in bytes: a boot writes less, and a log may have any length.
    static let looksBack = 256 << 10

    /// - Throws: why the log can't be read; `.notFound` if there is none.
    init(_ kind: LogKind = .console, of vm: Machine) throws(VMError) {
        log = try LogReader(kind, of: vm, lastBytes: Self.looksBack, followsNextRun: false)
    }

    /// Hands on what it wrote since the last call, piece by piece, as long as a guest that never stops leaves time for
    /// others.
    mutating func read(_ take: ([UInt8]) -> Void) throws(VMError) {
        for _ in 0..<Self.piecesAtOnce {
            let bytes = try log.next()
            if bytes.isEmpty { return }
            take(bytes)
        }
    }

    // Of 64 KiB each, as LogReader reads them.
    private static let piecesAtOnce = 16
}

/// The events that QEMU records, from the end of what it recorded so far.
struct RecordSource: ~Copyable {
    private var log: LogReader
    /// The beginning of a line that is not complete yet.
    private var line: [UInt8] = []

    private static let looksBack = 64 << 10
    private static let longest = 1 << 20

    /// - Throws: why the record can't be read; `.notFound` if there is none.
    init(_ vm: Machine) throws(VMError) {
        log = try LogReader(.record, of: vm, lastBytes: Self.looksBack, followsNextRun: false)
    }

    /// The events since the last call.
    mutating func events() throws(VMError) -> [VMEvent] {
        var events: [VMEvent] = []
        for _ in 0..<16 {
            let bytes = try log.next()
            if bytes.isEmpty { break }
            line += bytes
            if let end = line.lastIndex(of: UInt8(ascii: "\n")) {
                events += RecordedEvents(Array(line[...end])).all
                line.removeSubrange(...end)
            } else if line.count > Self.longest {
                line = []
            }
        }
        return events
    }
}
