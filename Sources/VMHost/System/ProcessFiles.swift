import CLinux
import Glibc
import SystemPackage
import VMCore

/// What the kernel shows of a process (proc(5)): whose it is, what it executes, what it has open.
package struct ProcessFiles: Sendable {
    let pid: Int32

    package init(pid: Int32) {
        self.pid = pid
    }

    private var directory: String { "/proc/\(pid)" }

    /// The uid that it runs as; nil where it has gone.
    package var owner: UInt32? {
        var found = stat()
        return stat(directory, &found) == 0 ? found.st_uid : nil
    }

    /// The program that it executes; nil where that can't be seen.
    package var executable: FilePath? { Self.target("\(directory)/exe").map { FilePath($0) } }

    /// Where a descriptor that it writes to leads, as the kernel spells it: ` (deleted)` follows where that has no name any
    /// more. nil where it has no such descriptor, or only reads from it.
    func output(_ descriptor: CInt) -> String? {
        let link = "\(directory)/fd/\(descriptor)"
        guard let target = Self.target(link) else { return nil }
        var found = stat()
        // The link's own mode says how the descriptor was opened.
        return lstat(link, &found) == 0 && found.st_mode & S_IWUSR != 0 ? target : nil
    }

    /// The file that a descriptor leads to. To be asked of descriptors on local file systems alone.
    func file(of descriptor: CInt) -> FileIdentity? {
        var found = stat()
        return stat("\(directory)/fd/\(descriptor)", &found) == 0 ? FileIdentity(found) : nil
    }

    /// Every file that it has open, as far as they are local.
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

    /// The pids of the processes whose owner is of interest. To look further at one takes several times as long.
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

    private static func target(_ link: String) -> String? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(PATH_MAX)) { buffer in
            guard let text = buffer.baseAddress else { return nil }
            let length = text.withMemoryRebound(to: CChar.self, capacity: buffer.count) {
                readlink(link, $0, buffer.count)
            }
            return length > 0 ? String(decoding: buffer[..<length], as: UTF8.self) : nil
        }
    }
}
