import Glibc
import SystemPackage
import VMCore
import VMHost

/// What QEMU itself wrote down of a VM's life: the QMP events of one run, one a line.
///
/// The last line that says something of the state is what counts; the file is read from its end, so that a long record
/// costs no more than a short one.
struct FlightRecord: Equatable {
    /// The last thing that the record says.
    enum Phase: Equatable {
        /// Nothing ran yet: QEMU waits for `cont`.
        case notStarted
        case running
        case paused
        case sleeping
        /// QEMU ended in order, and why: `guest-shutdown`, `host-qmp-quit`, … (QEMU, qapi/run-state.json,
        /// ShutdownCause).
        case ended(reason: String)
    }

    var phase: Phase

    /// So much of a record's beginning stays, however long it becomes: QEMU's answers from before the guest ran are in it.
    static let head = 4096

    /// Whether the machine ran, and has not ended in order.
    var isOpen: Bool {
        switch phase {
        case .running, .paused, .sleeping: true
        case .notStarted, .ended: false
        }
    }

    /// What the record holds from the moment on that the guest runs.
    static let runs = "\"RESUME\""

    /// kvmctl's own entry, where it had to kill QEMU: in the form of QEMU's, which could not write one.
    static let killedReason = "kvmctl-sigkill"

    static func killed(at microseconds: Int64) -> String {
        JSON.object([
            "event": "SHUTDOWN", "data": ["guest": false, "reason": .string(killedReason)],
            "timestamp": [
                "seconds": .integer(microseconds / 1_000_000), "microseconds": .integer(microseconds % 1_000_000),
            ],
        ]).text + "\n"
    }

    /// Reads a record; nil where there is none.
    ///
    /// - Throws: why it can't be looked at: then nothing says how the run went on.
    static func read(_ path: FilePath) throws(VMError) -> FlightRecord? {
        do throws(Errno) {
            // The end of a record nearly always tells; only one that ends in a flood of other events is read further back.
            for limit in [16 << 10, 4 << 20] {
                let tail = try readTail(path, limit: limit)
                let record = FlightRecord(tail)
                if record.phase != .notStarted || tail.count < limit { return record }
            }
            // A guest can flood it without end. The beginning tells whether it ran at all.
            return FlightRecord(try readOwnFile(path, limit: 16 << 10))
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// Reads the lines of a record, or of its end.
    init(_ bytes: [UInt8]) {
        phase = .notStarted
        for line in bytes.split(separator: UInt8(ascii: "\n")).reversed() {
            guard let found = Self.phase(line) else { continue }
            phase = found
            return
        }
    }

    /// What QEMU answered to the `query-vnc` of a start in the foreground; nil where it was not asked.
    static func vncServer(in path: FilePath) throws(VMError) -> JSON? {
        // It was asked before the machine ran: the answer is among the first lines.
        let head: [UInt8]
        do throws(Errno) { head = try readOwnFile(path, limit: Self.head) } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .system(error, path.string, "can't be read")
        }
        return head.split(separator: UInt8(ascii: "\n")).lazy.compactMap { line -> JSON? in
            if case .reply(_, let value)? = QMPMessage(line: line), value["service"] != nil { value } else { nil }
        }.first
    }

    private static let words = ["RESUME", "WAKEUP", "STOP", "SUSPEND", "SHUTDOWN"].map { Array("\"\($0)\"".utf8) }

    private static func phase(_ line: ArraySlice<UInt8>) -> Phase? {
        // A record can be long: only lines that can matter are read as JSON.
        guard line.hasAny(of: words), case .event(let event)? = QMPMessage(line: line)
        else { return nil }
        return switch event.name {
        case "RESUME", "WAKEUP": .running
        case "STOP": .paused
        case "SUSPEND": .sleeping
        case "SHUTDOWN": .ended(reason: event.data["reason"]?.string ?? "unknown")
        default: nil
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether one of some words, each in its quotes, is somewhere in the line.
    fileprivate func hasAny(of words: [[UInt8]]) -> Bool {
        withUnsafeBytes { line in
            line.indices.contains { start in
                line[start] == UInt8(ascii: "\"") && words.contains { line[start...].starts(with: $0) }
            }
        }
    }
}
