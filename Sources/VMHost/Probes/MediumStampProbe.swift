import BridgeKernel
import Glibc
import SystemPackage
import VMCore

extension MediumStamp {
    /// A disk or CD as it is now.
    ///
    /// - Parameter lasting: whether what was written to it, and when, has to survive a power cut first: QEMU's flush does
    ///   not keep the time (fdatasync(2)).
    /// - Throws: why it can't be looked at; `.noSuchFileOrDirectory` if it is not there.
    package init(of path: FilePath, _ trust: FileTrust, lasting: Bool = false) throws(VMError) {
        do throws(PathWalk.Failure) {
            let found = try trust.find(path)
            do throws(Errno) {
                let opened = try found.open(.readOnly)
                if lasting { try syncToDisk(opened) }
                try self.init(opened)
            } catch { throw .system(error, path) }
        } catch {
            switch error {
            case .system(let errno, _): throw .system(errno, path.string, "can't tell when it was last written to")
            case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: path.string)
            }
        }
    }

    /// An open one.
    package init(_ opened: borrowing OwnedDescriptor) throws(Errno) {
        let status = try opened.status()
        guard status.kind == S_IFBLK else {
            let (seconds, nanoseconds) = (Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec))
            self.init(size: Int64(status.st_size), modified: seconds &* 1_000_000_000 &+ nanoseconds)
            return
        }
        let size = lseek(opened.rawValue, 0, SEEK_END)
        guard size >= 0 else { throw Errno(rawValue: errno) }
        self.init(size: Int64(size), modified: nil)
    }
}
