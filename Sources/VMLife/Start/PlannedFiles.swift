import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Opens what a params file names for QEMU: the very files that the plan was made for, and no others.
struct PlannedFiles {
    /// Which files those were.
    let identities: [FilePath: FileIdentity]
    let trust: FileTrust

    /// A disk or a CD. A block device that is written to is claimed as a file system claims it that is mounted (open(2),
    /// O_EXCL): it can't be, as long as the VM runs.
    func image(_ path: FilePath, writable: Bool, direct: Bool) throws(VMError) -> OwnedDescriptor {
        try open(path, writable ? .readWrite : .readOnly, flags: direct ? directIO : 0) { status in
            switch status.kind {
            case S_IFREG: 0
            case S_IFBLK: writable ? O_EXCL : 0
            default: nil
            }
        }
    }

    /// Another file, for reading.
    func regular(_ path: FilePath) throws(VMError) -> OwnedDescriptor {
        try open(path, .readOnly, flags: 0) { $0.kind == S_IFREG ? 0 : nil }
    }

    /// - Parameter flags: further flags for a file of this kind; nil: it is of the wrong one.
    private func open(
        _ path: FilePath, _ mode: FileDescriptor.AccessMode, flags: CInt, for kind: (stat) -> CInt?
    ) throws(VMError) -> OwnedDescriptor {
        do throws(PathWalk.Failure) {
            let found = try trust.find(path)
            do throws(Errno) {
                guard let status = found.status else { throw .noSuchFileOrDirectory }
                if let planned = identities[path], planned != FileIdentity(status) { throw .staleNFSFileHandle }
                guard let more = kind(status) else { throw .notSupported }
                return try found.open(mode, flags: flags | more)
            } catch { throw .system(error, path) }
        } catch { throw refusal(of: path, error) }
    }

    private func refusal(of path: FilePath, _ failure: PathWalk.Failure) -> VMError {
        switch failure {
        case .system(.staleNFSFileHandle, _):
            VMError(
                .busy, path.string, "another file was put in its place while the start was planned",
                remedy: "start the VM again once nobody changes its files")
        case .system(.notSupported, _): VMError(.badData, path.string, "is neither a regular file nor a disk")
        case .system(.resourceBusy, _):
            VMError(
                .busy, path.string,
                "is in use by this host itself: mounted, swap space, or part of an array or a volume group",
                remedy: "\(command: "lsblk \(path)") shows by what")
        case .system(let errno, _): .system(errno, path.string, "can't be opened")
        case .distrusted(let distrust):
            VMError(.denied, path.string, distrust.sentence(for: path), remedy: distrust.remedy)
        }
    }
}
