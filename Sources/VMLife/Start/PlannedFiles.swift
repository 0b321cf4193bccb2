import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Opens for QEMU what a params file names: the very files that the plan was made for, and no others.
struct PlannedFiles {
    /// The identities of those files.
    let identities: [FilePath: FileIdentity]
    let trust: FileTrust

    /// A disk or a CD. A writable block device is opened exclusively (open(2), O_EXCL), so that the host can't mount it
    /// while the VM runs.
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

    /// A directory.
    func directory(_ path: FilePath) throws(VMError) -> OwnedDescriptor {
        try open(path, .readOnly, flags: O_DIRECTORY) { _ in 0 }
    }

    /// - Parameter kind: further flags for a file of this type; nil if it has the wrong type.
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
                .busy, path.string, "was replaced by another file while the start was planned",
                remedy: "start the VM again once its files no longer change")
        case .system(.notSupported, _): VMError(.badData, path.string, "is neither a regular file nor a block device")
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
