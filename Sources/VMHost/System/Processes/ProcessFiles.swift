import CLinux
import Glibc
import SystemPackage
import VMCore

/// A process as /proc shows it (proc(5)): its owner, its program, its open files.
package struct ProcessFiles: Sendable {
    let pid: Int32

    package init(pid: Int32) {
        self.pid = pid
    }

    private var directory: String { "/proc/\(pid)" }

    /// The uid that it runs as; nil if it is gone.
    package var owner: UInt32? {
        var found = stat()
        return stat(directory, &found) == 0 ? found.st_uid : nil
    }

    /// The program that it executes; nil if that can't be determined.
    package var executable: FilePath? { Self.target("\(directory)/exe").map { FilePath($0) } }

    /// The target of a descriptor that it writes to, as the kernel spells it: with ` (deleted)` at the end if the file
    /// has no name any longer. nil if it has no such descriptor, or only reads from it.
    func output(_ descriptor: CInt) -> String? {
        let link = "\(directory)/fd/\(descriptor)"
        guard let target = Self.target(link) else { return nil }
        var found = stat()
        // The link's own mode says how the descriptor was opened.
        return lstat(link, &found) == 0 && found.st_mode & S_IWUSR != 0 ? target : nil
    }

    /// The file behind a descriptor. Ask only for descriptors on local file systems.
    func file(of descriptor: CInt) -> FileIdentity? {
        var found = stat()
        return stat("\(directory)/fd/\(descriptor)", &found) == 0 ? FileIdentity(found) : nil
    }

    /// The local files that it has open.
    var files: Set<FileIdentity> { Set(localFiles.map(\.identity)) }

    /// The same with their paths, as the kernel spells them.
    var localFiles: [(path: String, identity: FileIdentity)] {
        let names = (try? VMHost.names(in: FilePath("\(directory)/fd"))) ?? []
        return names.compactMap { CInt($0) }.compactMap { descriptor in
            guard let target = Self.target("\(directory)/fd/\(descriptor)"), target.hasPrefix("/"),
                RemoteMounts.reader(of: FilePath(target)) == nil
            else { return nil }
            return file(of: descriptor).map { (target, $0) }
        }
    }

    /// The pids of the processes of wanted owners. The owner is the cheap check: anything else takes several times as
    /// long.
    static func pids(where isWanted: (UInt32) -> Bool) throws(Errno) -> [Int32] {
        guard let stream = opendir("/proc") else { throw Errno(rawValue: errno) }
        defer { closedir(stream) }
        var found: [Int32] = []
        errno = 0
        while let entry = readdir(stream) {
            var status = stat()
            let pid = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    let pid = Int32(atoi(name))
                    return pid > 0 && fstatat(dirfd(stream), name, &status, 0) == 0 ? pid : nil
                }
            }
            if let pid, isWanted(status.st_uid) { found.append(pid) }
            errno = 0
        }
        guard errno == 0 else { throw Errno(rawValue: errno) }
        return found
    }

    /// Where a link leads; nil: it can't be read.
    package static func target(_ link: String) -> String? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(PATH_MAX)) { buffer in
            guard let text = buffer.baseAddress else { return nil }
            let length = text.withMemoryRebound(to: CChar.self, capacity: buffer.count) {
                readlink(link, $0, buffer.count)
            }
            return length > 0 ? String(decoding: buffer[..<length], as: UTF8.self) : nil
        }
    }
}
