import Glibc
import SystemPackage
import VMCore

/// A process that kvmctl did not start, as /proc shows it (proc(5)). What it says of itself may be anything.
package struct ForeignProcess: Sendable {
    /// Which one.
    package let identity: ProcessIdentity
    /// The uids that it has.
    package let uids: Set<UInt32>
    /// Its command line.
    package let words: [String]
    /// How many words of that are not UTF-8, and therefore missing.
    package let unreadableWords: Int
    /// The directory that it was started in; nil: it was removed.
    package let directory: FilePath?
    /// Its program.
    package let program: FilePath
    /// The taps that it has open, in the order of its descriptors.
    package let taps: [String]

    /// Looks at a process.
    ///
    /// - Throws: `.notFound` if there is none with that pid; `.denied` if it may not be looked at, or its paths mean other
    ///   files here.
    package init(pid: Int32) throws(VMError) {
        let subject = "pid \(pid)"
        do throws(Errno) {
            guard let identity = try ProcessIdentity(current: pid) else { throw .noSuchProcess }
            self.identity = identity
            uids = try Self.uids(of: pid)
            let words = try readFile(FilePath("/proc/\(pid)/cmdline"), limit: 4 << 20).split(
                separator: 0, omittingEmptySubsequences: false
            ).dropLast().map { String(validating: $0, as: UTF8.self) }
            self.words = words.compactMap { $0 }
            unreadableWords = words.count { $0 == nil }
            program = try Self.target("/proc/\(pid)/exe")
            let directory = try Self.startDirectory(of: pid)
            self.directory = (try? isThere(directory)) == true ? directory : nil
            taps = Self.taps(of: pid)
            guard identity.life == .running else { throw .noSuchProcess }
            guard try Self.isAmongUs(pid) else { throw .improperLink }
        } catch .noSuchProcess, .noSuchFileOrDirectory {
            throw VMError(
                .notFound, subject, "there is no such process, or it has just ended",
                remedy: "\(command: "pgrep -a qemu") lists those that run")
        } catch .improperLink {
            throw VMError(
                .denied, subject,
                "is in another namespace or root directory: its paths and interfaces mean others here",
                remedy: "run kvmctl where it was started, as in that container")
        } catch .permissionDenied where geteuid() == 0 {
            throw VMError(.denied, subject, "may not be looked at, not even by root: it is not a QEMU of this system")
        } catch .permissionDenied {
            throw VMError(
                .denied, subject, "belongs to another user, whose processes you may not look at",
                remedy: "run kvmctl as that user")
        } catch { throw .system(error, subject, "can't be looked at") }
    }

    private static func uids(of pid: Int32) throws(Errno) -> Set<UInt32> {
        let text = String(decoding: try readFile(FilePath("/proc/\(pid)/status"), limit: 1 << 16), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("Uid:") } ?? ""
        return Set(line.split(whereSeparator: \.isWhitespace).compactMap { UInt32($0) })
    }

    /// A daemon goes to `/`; what was its directory before, only its starter's `PWD` tells.
    private static func startDirectory(of pid: Int32) throws(Errno) -> FilePath {
        let directory = try target("/proc/\(pid)/cwd")
        guard directory == "/" else { return directory }
        let environment = try readFile(FilePath("/proc/\(pid)/environ"), limit: 1 << 20).split(separator: 0)
        let named = environment.first { $0.starts(with: Array("PWD=/".utf8)) }?.dropFirst(4)
        return named.flatMap { String(validating: $0, as: UTF8.self) }.map { FilePath($0) } ?? directory
    }

    /// Whether it has the file at a path open.
    package func hasOpen(_ path: FilePath) -> Bool {
        guard let there = try? status(of: path) else { return false }
        return ProcessFiles(pid: identity.pid).files.contains(FileIdentity(there))
    }

    private static func target(_ link: String) throws(Errno) -> FilePath {
        guard let target = ProcessFiles.target(link) else { throw Errno(rawValue: errno) }
        return FilePath(target)
    }

    /// Whether its paths and its interfaces are what they are for this process.
    private static func isAmongUs(_ pid: Int32) throws(Errno) -> Bool {
        for kind in ["mnt", "net"] {
            guard let its = try status(of: FilePath("/proc/\(pid)/ns/\(kind)")),
                let ours = try status(of: FilePath("/proc/self/ns/\(kind)"))
            else { throw .noSuchProcess }
            guard FileIdentity(its) == FileIdentity(ours) else { return false }
        }
        return try target("/proc/\(pid)/root") == "/"
    }

    /// A tap's descriptor says which one it is (Linux, drivers/net/tun.c, `tun_chr_show_fdinfo`).
    private static func taps(of pid: Int32) -> [String] {
        let directory = FilePath("/proc/\(pid)/fdinfo")
        let descriptors = ((try? names(in: directory)) ?? []).compactMap { CInt($0) }.sorted()
        var found: [String] = []
        for descriptor in descriptors {
            guard let text = try? readFile(directory.appending("\(descriptor)"), limit: 4096),
                let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first(where: {
                    $0.hasPrefix("iff:")
                })
            else { continue }
            let name = String(line.dropFirst(4).filter { !$0.isWhitespace })
            // One with several queues is open several times.
            if !name.isEmpty, !found.contains(name) { found.append(name) }
        }
        return found
    }
}
