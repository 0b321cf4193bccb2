import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// O_DIRECT of open(2), which only _GNU_SOURCE declares (asm-generic/fcntl.h).
package let directIO: CInt = 0o40_000

/// What to find out about a file, according to the VM's use of it.
package struct ImageQuestion {
    /// A disk or CD: other uses matter.
    package var isMedium = false
    /// A disk that the guest writes.
    var isWritten = false
    /// A CD.
    var isDisc = false
    /// What other images are overlays of.
    var isBacking = false
    /// A kernel or an initrd.
    var isKernel = false
    /// The size to create it with if it is missing.
    var newSize: ByteCount?

    package init(
        isMedium: Bool = false, isWritten: Bool = false, isDisc: Bool = false, isBacking: Bool = false,
        isKernel: Bool = false, newSize: ByteCount? = nil
    ) {
        self.isMedium = isMedium
        self.isWritten = isWritten
        self.isDisc = isDisc
        self.isBacking = isBacking
        self.isKernel = isKernel
        self.newSize = newSize
    }

    package mutating func add(_ other: ImageQuestion) {
        isMedium = isMedium || other.isMedium
        isWritten = isWritten || other.isWritten
        isDisc = isDisc || other.isDisc
        isBacking = isBacking || other.isBacking
        isKernel = isKernel || other.isKernel
        newSize = newSize ?? other.newSize
    }
}

extension ImageFacts {
    /// Examines the file at a path.
    ///
    /// - Parameters:
    ///   - trust: decides which files may be examined, and with whose rights.
    ///   - question: what to find out beyond the basics.
    ///   - uses: finds other uses of a disk or CD.
    package init(
        probing path: FilePath, _ trust: FileTrust, for question: ImageQuestion = ImageQuestion(),
        uses: ((borrowing FoundFile, stat) -> [DiskUse])? = nil
    ) {
        do throws(PathWalk.Failure) {
            self = Self.facts(of: try trust.find(path), question, uses)
        } catch {
            self =
                switch error {
                case .system(.noSuchFileOrDirectory, _), .system(.notDirectory, _): .directoryMissing
                case .system(.permissionDenied, _): .denied(Denial())
                case .system(let errno, _): .failed(errno, RemoteMounts.remedy(for: errno))
                case .distrusted(let distrust): .distrusted(distrust)
                }
        }
    }

    private static func facts(
        of found: consuming FoundFile, _ question: ImageQuestion, _ uses: ((borrowing FoundFile, stat) -> [DiskUse])?
    ) -> ImageFacts {
        guard let status = found.status else { return missing(found, question.newSize) }
        switch status.kind {
        case S_IFREG, S_IFBLK: break
        case S_IFDIR: return .unusable(.directory)
        default: return .unusable(.special)
        }
        do throws(Errno) {
            let opened = try found.open(.readOnly)
            // Before anything is read: reading such a file may wait for ever.
            if let system = opened.pseudoFileSystem {
                return .unusable(.pseudoFile(system))
            }
            var image = try Image(opened, found, status, question)
            image.uses = uses?(found, status) ?? []
            return .image(image)
        } catch {
            return error == .permissionDenied
                ? .denied(Denial(of: status)) : .failed(error, RemoteMounts.remedy(for: error))
        }
    }

    private static func missing(_ found: borrowing FoundFile, _ size: ByteCount?) -> ImageFacts {
        if let directory = try? found.openInDirectory(.readOnly, flags: O_DIRECTORY, permissions: 0),
            let system = directory.pseudoFileSystem
        {
            return .unusable(.newPseudoFile(system))
        }
        var failure = found.directoryFailure
        if failure == nil, let size, !hasRoom(for: size, beside: found) { failure = .fileTooLarge }
        return .missing(directIO: doesDirectIO(found, inDirectory: true), failure: failure, place: found.place)
    }

    /// Whether the file system supports files of that size, tried with an unnamed file. If it can't make unnamed files,
    /// the answer is yes.
    private static func hasRoom(for size: ByteCount, beside found: borrowing FoundFile) -> Bool {
        var limit = rlimit()
        // Beyond the caller's own limit the kernel would answer with SIGXFSZ (setrlimit(2)).
        if getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0, UInt64(size.bytes) > limit.rlim_cur {
            return false
        }
        guard let trial = try? found.openInDirectory(.readWrite, flags: temporaryFile, permissions: 0o600) else {
            return true
        }
        return ftruncate(trial.rawValue, off_t(size.bytes)) == 0 || errno != EFBIG && errno != EINVAL
    }

    /// open(2) fails with EINVAL if the file system has no O_DIRECT.
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
    /// - Parameter file: its status.
    fileprivate init(of file: stat) {
        self.init()
        owner = Accounts.owner(file)
        isOwn = file.st_uid == geteuid()
        isBlockDevice = file.kind == S_IFBLK
    }
}

extension ImageFacts.Image {
    fileprivate init(
        _ opened: borrowing OwnedDescriptor, _ found: borrowing FoundFile, _ status: stat, _ question: ImageQuestion
    ) throws(Errno) {
        let raw = opened.rawValue
        let read: FileBytes = { offset, count throws(Errno) in try readBytes(of: raw, at: offset, count: count) }
        let header = try read(0, ImageContent.headerLength)
        let isDevice = status.kind == S_IFBLK
        let bytes = isDevice ? Int64(lseek(raw, 0, SEEK_END)) : Int64(status.st_size)
        self.init(
            bytes: bytes, content: ImageContent(header: header),
            directIO: isDevice || ImageFacts.doesDirectIO(found, inDirectory: false))
        identity = FileIdentity(status)
        deviceNumber = isDevice ? UInt64(status.st_rdev) : nil
        isBlockDevice = isDevice
        qcow2 = QCOW2Condition(header)
        if question.isWritten { lookWhetherWritable(opened, found, status) }
        locks = try ImageLock.held(on: opened)
        if !isDevice { lookAtTimes(opened, found, status, question) }
        if question.isDisc { disc = try OpticalDisc(read) }
        if question.isKernel { kernel = try KernelImage(size: bytes, read) }
    }

    private mutating func lookAtTimes(
        _ opened: borrowing OwnedDescriptor, _ found: borrowing FoundFile, _ status: stat, _ question: ImageQuestion
    ) {
        let birth = question.isMedium ? clinux_birth_time(opened.rawValue) : -1
        if birth >= 0 { made = birth }
        guard question.isBacking else { return }
        if let summed = found.summed {
            isChangedSinceSummed = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec) > (summed.tv_sec, summed.tv_nsec)
        } else {
            written = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        }
    }

    /// Checks without opening it for writing: overlayfs would copy up the whole file, and udev would report a changed
    /// device.
    private mutating func lookWhetherWritable(
        _ opened: borrowing OwnedDescriptor, _ found: borrowing FoundFile, _ status: stat
    ) {
        if let failure = found.writeFailure {
            writeFailure = failure
        } else if isBlockDevice {
            isReadOnlyDevice = clinux_block_device_is_read_only(opened.rawValue) == 1
        } else {
            if clinux_is_append_only(opened.rawValue) == 1 { writeFailure = .notPermitted }
            if directIO, bytes % 4096 != 0 { directIOUnit = Self.directIOUnit(of: found) }
        }
        if writeFailure != nil { owner = Accounts.owner(status) }
    }

    /// Found as QEMU does (block/file-posix.c, raw_probe_alignment): by reading pieces of growing size from the start.
    /// If even one byte can be read, as from a hole, that proves nothing, and the safe value is used.
    private static func directIOUnit(of found: borrowing FoundFile) -> Int64 {
        let (page, safe) = (4096, Int64(4096))
        guard let file = try? found.open(.readOnly, flags: VMHost.directIO) else { return safe }
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: page, alignment: page)
        defer { buffer.deallocate() }
        for size in [1, 512, 1024, 2048, page] where pread(file.rawValue, buffer, size, 0) >= 0 || errno != EINVAL {
            return size == 1 ? safe : Int64(size)
        }
        return safe
    }
}

extension ImageLock {
    /// Those that others hold on a file.
    static func held(on file: borrowing OwnedDescriptor) throws(Errno) -> Set<ImageLock> {
        var held: Set<ImageLock> = []
        for lock in allCases {
            let result = clinux_ofd_is_held(file.rawValue, lock.rawValue)
            // If the file system does not support such locks, QEMU does not use them either.
            let isUnknown = [EINVAL, ENOTSUP, ENOSYS, ENOLCK].contains(-result)
            guard result >= 0 || isUnknown else { throw Errno(rawValue: -result) }
            if result == 1 { held.insert(lock) }
        }
        return held
    }
}
