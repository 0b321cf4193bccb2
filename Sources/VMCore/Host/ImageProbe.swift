import CLinux
import Glibc
import SystemPackage

/// O_DIRECT of open(2), which only _GNU_SOURCE declares (asm-generic/fcntl.h).
let directIO: CInt = 0o40_000

extension ImageFacts {
    /// Looks at what is at a path.
    ///
    /// - Parameters:
    ///   - trust: decides what may be looked at, and with whose rights.
    ///   - uses: asked who else uses a file or device, where that is of interest.
    init(probing path: FilePath, _ trust: FileTrust, uses: ((borrowing FoundFile, stat) -> [DiskUse])? = nil) {
        do throws(PathWalk.Failure) {
            self = Self.facts(of: try trust.find(path), uses)
        } catch {
            self =
                switch error {
                case .system(.noSuchFileOrDirectory, _), .system(.notDirectory, _): .directoryMissing
                case .system(.permissionDenied, _): .denied(Denial())
                case .system(let errno, _): .failed(errno)
                case .distrusted(let distrust): .distrusted(distrust)
                }
        }
    }

    private static func facts(
        of found: consuming FoundFile, _ uses: ((borrowing FoundFile, stat) -> [DiskUse])?
    ) -> ImageFacts {
        guard let status = found.status else {
            return .missing(
                directIO: doesDirectIO(found, inDirectory: true), failure: found.directoryFailure)
        }
        switch status.kind {
        case S_IFREG, S_IFBLK: break
        case S_IFDIR: return .unusable("is a directory")
        default: return .unusable("is neither a file nor a block device")
        }
        do throws(Errno) {
            var image = try Image(found, status)
            image.uses = uses?(found, status) ?? []
            return .image(image)
        } catch {
            return error == .permissionDenied ? .denied(Denial(of: status)) : .failed(error)
        }
    }

    /// open(2) says EINVAL where the file system has no O_DIRECT.
    fileprivate static func doesDirectIO(_ found: borrowing FoundFile, inDirectory: Bool) -> Bool {
        do throws(Errno) {
            let opened =
                try inDirectory
                ? found.openInDirectory(.readWrite, flags: temporaryFile | directIO, permissions: 0o600)
                : found.open(.readOnly, flags: directIO)
            extendLifetime(opened)
            return true
        } catch { return false }
    }
}

extension ImageFacts.Denial {
    /// - Parameter file: what could be seen of it.
    fileprivate init(of file: stat) {
        self.init()
        owner = Accounts.owner(file)
        isOwn = file.st_uid == geteuid()
        isBlockDevice = file.kind == S_IFBLK
    }
}

extension ImageFacts.Image {
    fileprivate init(_ found: borrowing FoundFile, _ status: stat) throws(Errno) {
        let opened = try found.open(.readOnly)
        let content = ImageContent(header: try readAll(opened.descriptor, limit: ImageContent.headerLength))
        let isDevice = status.kind == S_IFBLK
        let bytes = isDevice ? Int64(lseek(opened.rawValue, 0, SEEK_END)) : Int64(status.st_size)
        self.init(
            bytes: bytes, content: content, directIO: isDevice || ImageFacts.doesDirectIO(found, inDirectory: false))
        identity = FileIdentity(status)
        isBlockDevice = isDevice
        if let failure = found.writeFailure {
            writeFailure = failure
            owner = Accounts.owner(status)
        }
        // Where the file system knows no such locks QEMU does not use them either.
        locks = Set(ImageLock.allCases.filter { clinux_ofd_is_held(opened.rawValue, $0.rawValue) == 1 })
    }
}
