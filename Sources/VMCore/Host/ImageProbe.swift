import CLinux
import Glibc
import SystemPackage

/// O_DIRECT of open(2), which only _GNU_SOURCE declares (asm-generic/fcntl.h).
let directIO: CInt = 0o40_000

extension ImageFacts {
    /// Looks at what is at a path.
    init(probing path: FilePath) {
        var found: stat?
        do throws(Errno) {
            found = try status(of: path)
            guard let file = found else {
                self = Self.missing(path)
                return
            }
            switch file.st_mode & S_IFMT {
            case S_IFREG, S_IFBLK: self = .image(try Image(path, file))
            case S_IFDIR: self = .unusable("is a directory")
            default: self = .unusable("is neither a file nor a block device")
            }
        } catch {
            self = error == .permissionDenied ? .denied(Denial(of: found)) : .failed(error)
        }
    }

    private static func missing(_ path: FilePath) -> ImageFacts {
        let directory = path.removingLastComponent()
        guard let found = try? status(of: directory), found.st_mode & S_IFMT == S_IFDIR else {
            return .directoryMissing
        }
        let isWritable = directory.withPlatformString { access($0, W_OK) } == 0
        let failure = isWritable ? nil : Errno(rawValue: errno)
        return .missing(directIO: doesDirectIO(directory, flags: temporaryFile), failure: failure)
    }

    /// open(2) says EINVAL where the file system has no O_DIRECT.
    fileprivate static func doesDirectIO(_ path: FilePath, flags: CInt) -> Bool {
        let mode: FileDescriptor.AccessMode = flags == 0 ? .readOnly : .readWrite
        return (try? OwnedDescriptor.open(path, mode, flags: flags | directIO, permissions: 0o600).rawValue) != nil
    }
}

extension ImageFacts.Denial {
    /// - Parameter file: what could be seen of it.
    fileprivate init(of file: stat?) {
        self.init()
        guard let file else { return }
        owner = Accounts.owner(file)
        isOwn = file.st_uid == geteuid()
        isBlockDevice = file.st_mode & S_IFMT == S_IFBLK
    }
}

extension ImageFacts.Image {
    fileprivate init(_ path: FilePath, _ file: stat) throws(Errno) {
        let opened = try OwnedDescriptor.open(path, .readOnly)
        let content = ImageContent(header: try readAll(opened.descriptor, limit: ImageContent.headerLength))
        let isDevice = file.st_mode & S_IFMT == S_IFBLK
        let bytes = isDevice ? Int64(lseek(opened.rawValue, 0, SEEK_END)) : Int64(file.st_size)
        self.init(
            bytes: bytes, content: content, directIO: isDevice || ImageFacts.doesDirectIO(path, flags: 0))
        isBlockDevice = isDevice
        if path.withPlatformString({ access($0, W_OK) }) != 0 {
            writeFailure = Errno(rawValue: errno)
            owner = Accounts.owner(file)
        }
        // Where the file system knows no such locks QEMU does not use them either.
        locks = Set(ImageLock.allCases.filter { clinux_ofd_is_held(opened.rawValue, $0.rawValue) == 1 })
    }
}
