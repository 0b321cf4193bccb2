import Glibc
import SystemPackage
import VMCore

/// A process that has a file open to write to it, or holds a lock on it, which QEMU's programs may not heed: they look only
/// for their own.
package struct FileUser: Equatable, Sendable {
    /// Its pid.
    package let pid: Int32
    /// The name of its program, as it calls itself.
    package let program: String

    /// It, in words.
    package var words: String { "process \(pid) (\(Printable.foreign(program)))" }
}

/// Who has a file open, by the descriptors that /proc shows (proc_pid_fd(5)). Root sees all; others see their own, and those
/// of other users don't count as unseen.
package struct FileUse {
    /// The processes, besides this one.
    package private(set) var users: [FileUser] = []
    /// Why it can't be told of some process that should be seen.
    package private(set) var obstacle: VMError?

    /// Looks through all processes.
    ///
    /// - Parameter behind: files underneath, such as a loop device's.
    package init(of path: FilePath, _ status: stat, behind: [FileIdentity] = []) {
        let device = BlockDevice(status)
        let files = Set(behind + (device == nil ? [FileIdentity(status)] : []))
        let caller = geteuid()
        let pids: [Int32]
        do throws(Errno) { pids = try ProcessFiles.pids { caller == 0 || $0 == caller } } catch {
            obstacle = .system(error, path.string, "can't tell from /proc which processes have it open")
            return
        }
        for pid in pids where pid != getpid() {
            do throws(Errno) {
                let isUser = try Self.uses(pid) { found in
                    if let device {
                        BlockDevice(found) == device || files.contains(FileIdentity(found))
                    } else {
                        files.contains(FileIdentity(found))
                    }
                }
                if isUser { users.append(FileUser(pid: pid, program: Self.program(pid))) }
            } catch {
                // It has ended meanwhile.
                if error == .noSuchProcess || error == .noSuchFileOrDirectory { continue }
                obstacle = obstacle ?? .system(error, path.string, "can't tell whether process \(pid) has it open")
            }
        }
    }

    private static func uses(_ pid: Int32, _ isWanted: (stat) -> Bool) throws(Errno) -> Bool {
        let directory = "/proc/\(pid)/fd"
        for name in try names(in: FilePath(directory)) ?? [] {
            let link = "\(directory)/\(name)"
            // A server that does not respond would keep stat(2) waiting.
            guard let target = ProcessFiles.target(link), target.hasPrefix("/"),
                RemoteMounts.reader(of: FilePath(target)) == nil
            else { continue }
            var (found, itself) = (stat(), stat())
            guard stat(link, &found) == 0, isWanted(found), lstat(link, &itself) == 0 else { continue }
            // The link's own mode says how the descriptor was opened.
            if itself.st_mode & S_IWUSR != 0 || isLocked("/proc/\(pid)/fdinfo/\(name)") { return true }
        }
        return false
    }

    /// Whether there is a lock by this descriptor, as flock(1) takes it with one that only reads.
    private static func isLocked(_ info: String) -> Bool {
        guard let text = try? readFile(FilePath(info), limit: 1 << 16) else { return false }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").contains { line in
            line.hasPrefix("lock:") && line.contains("FLOCK")
        }
    }

    private static func program(_ pid: Int32) -> String {
        let name = (try? readFile(FilePath("/proc/\(pid)/comm"), limit: 64)) ?? []
        return String(decoding: name.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
