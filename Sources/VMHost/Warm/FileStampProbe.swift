import Glibc
import SystemPackage
import VMCore

extension FileStamp {
    /// A file as it is now; nil if it is not there.
    ///
    /// - Throws: `.unavailable` for a block device, of which nothing tells whether it was written to; why it can't be looked
    ///   at.
    package init?(of path: FilePath) throws(VMError) {
        let found: stat?
        do throws(Errno) { found = try status(of: path) } catch {
            throw .system(error, path.string, "can't tell when it was last written to")
        }
        guard let found else { return nil }
        guard found.kind == S_IFREG else {
            throw VMError(
                .unavailable, path.string, "is not a regular file, so that nothing tells whether it was written to",
                remedy: "boot the guest instead, without a warm image")
        }
        self.init(
            FileIdentity(found), size: Int64(found.st_size), modified: Self.nanoseconds(found.st_mtim),
            changed: Self.nanoseconds(found.st_ctim))
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
