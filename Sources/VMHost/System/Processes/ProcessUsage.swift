import Glibc
import SystemPackage
import VMCore

/// What a process uses (proc_pid_stat(5), proc_pid_status(5)).
package struct ProcessUsage: Equatable, Sendable {
    /// The user whose rights it has.
    package var uid: UInt32
    /// The processor time that it has used.
    package var processorTime: Duration
    /// Its memory that is in the host's RAM.
    package var memory: ByteCount

    /// A usage.
    package init(uid: UInt32, processorTime: Duration, memory: ByteCount) {
        (self.uid, self.processorTime, self.memory) = (uid, processorTime, memory)
    }

    /// Looks at a process; nil if it has ended, or /proc does not tell.
    package init?(of process: ProcessIdentity) {
        let directory = "/proc/\(process.pid)"
        guard let stat = Self.text("\(directory)/stat"), let status = Self.text("\(directory)/status") else {
            return nil
        }
        // The name of the program, field 2, may contain anything.
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        var values: [Substring: [Substring]] = [:]
        for line in status.split(separator: "\n") {
            let words = line.split { $0 == ":" || $0 == "\t" || $0 == " " }
            values[words.first ?? ""] = Array(words.dropFirst())
        }
        // Of the user IDs the second is the effective one.
        guard fields.count > 13, let user = Int64(fields[12]), let system = Int64(fields[13]),
            let uid = values["Uid"]?.dropFirst().first.flatMap({ UInt32($0) }),
            let resident = values["VmRSS"]?.first.flatMap({ Int64($0) }),
            // Its pid was not given to another process meanwhile.
            process.life == .running
        else { return nil }
        let ticksPerSecond = max(1, Int64(sysconf(Int32(_SC_CLK_TCK))))
        self.init(
            uid: uid, processorTime: .milliseconds((user + system) * 1000 / ticksPerSecond),
            memory: ByteCount(bytes: resident * 1024))
    }

    private static func text(_ path: String) -> String? {
        guard let bytes = try? readLocal(.init(path), limit: 1 << 16) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension ProcessIdentity {
    /// When it started, by the host's clock.
    package var startedAt: Moment { Moment(microseconds: Moment.now.microseconds - age.microseconds) }
}
