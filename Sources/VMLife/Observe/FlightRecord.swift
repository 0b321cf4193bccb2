import Glibc
import SystemPackage
import VMCore
import VMHost

/// What QEMU itself recorded of a VM's life: the QMP events of one run, one per line.
///
/// The last line that tells the state counts. The file is read from its end, so that a long record costs no more than a
/// short one.
struct FlightRecord: Equatable {
    /// The last state that the record tells.
    enum Phase: Equatable {
        /// The machine has not run yet: QEMU waits for `cont`.
        case notStarted
        case running
        case paused
        case sleeping
        /// QEMU was adopted, and records nothing: not even its end.
        case adopted
        /// QEMU shut down in order, for this reason: `guest-shutdown`, `host-qmp-quit`, … (QEMU, qapi/run-state.json,
        /// ShutdownCause).
        case ended(reason: String)
    }

    var phase: Phase
    /// The disk failure that halted a machine that is paused, if it was one.
    var diskFailure: PauseReason?

    /// How many bytes at the beginning of a record are always kept: QEMU's replies from before the guest ran are there.
    static let head = 4096

    /// Whether the machine ran and has not shut down in order.
    var isOpen: Bool {
        switch phase {
        case .running, .paused, .sleeping: true
        case .notStarted, .ended, .adopted: false
        }
    }

    /// Text that is in the record once the guest runs.
    static let runs = "\"RESUME\""

    static func killed(at microseconds: Int64) -> String {
        line("SHUTDOWN", ["guest": false, "reason": .string(ShutdownCause.killedWord)], at: microseconds)
    }

    static func adopted(at microseconds: Int64) -> String { line("RESUME", ["adopted": true], at: microseconds) }

    /// An event as QEMU would record it.
    private static func line(_ event: String, _ data: JSON, at microseconds: Int64) -> String {
        JSON.object([
            "event": .string(event), "data": data,
            "timestamp": [
                "seconds": .integer(microseconds / 1_000_000), "microseconds": .integer(microseconds % 1_000_000),
            ],
        ]).text + "\n"
    }

    /// Reads a record; nil if there is none.
    ///
    /// - Throws: why it can't be read: then it is not known how the run went.
    static func read(_ path: FilePath) throws(VMError) -> FlightRecord? {
        do throws(Errno) {
            // The end of a record is nearly always enough. Only if it is full of other events is more of it read.
            for limit in [16 << 10, 4 << 20] {
                let tail = try readTail(path, limit: limit)
                let record = FlightRecord(tail)
                if record.phase != .notStarted || tail.count < limit { return record }
            }
            // A guest can flood it without limit. The beginning tells whether the machine ever ran.
            return FlightRecord(try readOwnFile(path, limit: 16 << 10))
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// Whether the machine ever ran in the run of a record. If there is no record, nothing says so.
    ///
    /// - Throws: why it can't be read.
    static func everRan(_ path: FilePath) throws(VMError) -> Bool {
        // It stands among the first events, which are always kept: a guest can only cause events once it runs.
        do throws(Errno) { return try readOwnFile(path, limit: head).mention(runs) } catch .noSuchFileOrDirectory {
            return false
        } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// Parses a record, or the end of one.
    init(_ bytes: [UInt8]) {
        phase = .notStarted
        var lines = bytes.split(separator: UInt8(ascii: "\n"))[...]
        while let line = lines.popLast() {
            guard let found = Self.phase(line) else { continue }
            phase = found
            // QEMU tells of the disk first, and then that it halts the machine.
            if phase == .paused { diskFailure = lines.last { Self.mayMatter($0) }.flatMap(Self.failure) }
            return
        }
    }

    private static let failureWord = Array("\"\(MonitorEvent.diskFailure)\"".utf8)

    private static func mayMatter(_ line: ArraySlice<UInt8>) -> Bool { line.hasAny(of: words + [failureWord]) }

    private static func failure(_ line: ArraySlice<UInt8>) -> PauseReason? {
        guard case .event(let event)? = QMPMessage(line: line), case .diskFailed(let reason)? = MonitorEvent(event)
        else { return nil }
        return reason
    }

    /// QEMU's reply to the `query-vnc` of a start in the foreground; nil if it was not asked.
    static func vncServer(in path: FilePath) throws(VMError) -> VNCServer? {
        // It was asked before the machine ran, so the reply is among the first lines.
        let head: [UInt8]
        do throws(Errno) { head = try readOwnFile(path, limit: Self.head) } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .system(error, path.string, "can't be read")
        }
        return head.split(separator: UInt8(ascii: "\n")).lazy.compactMap { line -> VNCServer? in
            if case .reply(_, let value)? = QMPMessage(line: line) { VNCServer(value) } else { nil }
        }.first
    }

    private static let words = MonitorEvent.phases.map { Array("\"\($0)\"".utf8) }

    private static func phase(_ line: ArraySlice<UInt8>) -> Phase? {
        // A record can be long: only lines that may matter are parsed as JSON.
        guard line.hasAny(of: words), case .event(let event)? = QMPMessage(line: line) else { return nil }
        return switch MonitorEvent(event) {
        case .runs: .running
        case .paused: .paused
        case .sleeps: .sleeping
        case .ends(let reason): .ended(reason: reason)
        case .adopted: .adopted
        case .diskFailed, .deviceDeleted, .unplugRefused, .trayMoved, .job, .migration, nil: nil
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether the line contains one of these words, which include their quotes.
    func hasAny(of words: [[UInt8]]) -> Bool {
        withUnsafeBytes { line in
            line.indices.contains { start in
                line[start] == UInt8(ascii: "\"") && words.contains { line[start...].starts(with: $0) }
            }
        }
    }
}
