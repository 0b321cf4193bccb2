import SystemPackage

/// A file or device that the start can open.
package enum ExistingFile {
    case image(ImageFacts.Image)
    /// The caller may not look at it; root, for whom the plan is made, may.
    case unseen(ImageFacts.Denial)

    /// If nothing is known, the best is assumed.
    var usable: UsableImage {
        switch self {
        case .image(let image): UsableImage(image)
        case .unseen(let denial): UsableImage(isBlockDevice: denial.isBlockDevice, directIO: true, isSeen: false)
        }
    }
}

extension LaunchPlanner {
    /// What is at a path that has to exist; nil if it can't be used, which is then recorded as a problem.
    ///
    /// - Parameter disk: the disk, if it is one.
    mutating func existing(_ path: Setting<FilePath>, as disk: VMParams.Disk? = nil) -> ExistingFile? {
        let (file, subject) = (path.value, place(path.origin))
        switch facts.images[file] {
        case nil: refuse(.bug, subject, "\(file) was not looked at")
        case .missing, .directoryMissing:
            refuse(
                .notFound, subject, "\(file) does not exist", .file(file, .absent),
                remedy: "put it there, or correct the path")
        case .unusable(let what):
            let wanted = disk == nil ? "a file" : "a file or a block device"
            refuse(.badData, subject, "\(file) \(what)", .file(file, .wrongKind), remedy: "name \(wanted)")
        case .distrusted(let distrust): problem(distrust.refusal(toUse: file, at: subject))
        case .failed(let errno, let remedy):
            problem(
                VMError(
                    failed: errno, subject, "\(file) can't be read", remedy: remedy,
                    condition: .file(file, .unreadable)))
        case .denied(let denial):
            guard !facts.isAssumed else {
                unseen.append(file)
                return .unseen(denial)
            }
            refuseAccess(path, .unreadable, .permissionDenied, owner: denial.owner)
        case .image(let image):
            let isWritten = disk.map { !$0.readOnly.value } ?? false
            if isWritten, let errno = image.writeFailure, !(facts.isAssumed && errno == .permissionDenied) {
                refuseAccess(path, .unwritable, errno, owner: image.owner, disk)
            } else if isWritten, image.isReadOnlyDevice {
                let way = disk.map { "add DISK\($0.index)_READONLY=yes, or " } ?? ""
                refuse(
                    .denied, subject, "\(file) is a read-only device", .file(file, .unwritable),
                    remedy: "\(way)make it writable")
            } else if image.locks.contains(where: { $0.excludes(writable: isWritten) }) {
                refuseLocked(path)
            } else if let use = image.uses.first(where: { $0.excludes(writable: isWritten) }) {
                refuse(.busy, subject, "\(file) \(use.words)", .file(file, .inUse), remedy: use.remedy)
            } else {
                return .image(image)
            }
        }
        return nil
    }

    private mutating func refuseAccess(
        _ path: Setting<FilePath>, _ fault: VMError.FileFault, _ errno: Errno, owner: String?,
        _ disk: VMParams.Disk? = nil
    ) {
        let file = path.value
        let remedy: Remedy =
            switch errno {
            case .readOnlyFileSystem:
                "mount the file system read-write\(disk.map { ", or add DISK\($0.index)_READONLY=yes" } ?? "")"
            case _ where facts.actsFor != nil:
                "the VM is started with the rights of \(facts.actsFor ?? ""): name a file that this account may use"
            case _ where facts.isRoot:
                "not even root may: \(command: "lsattr \(file)") and the mount options show why"
            default: "run kvmctl as root, or give the file to the user who runs it (\(command: "chown USER \(file)"))"
            }
        let whose = owner.map { " (of \($0))" } ?? ""
        let verb = fault == .unwritable ? "written to" : "read"
        problem(
            VMError(
                .denied, place(path.origin), "\(file)\(whose) can't be \(verb)", errno: errno, remedy: remedy,
                condition: .file(file, fault)))
    }

    private mutating func refuseLocked(_ path: Setting<FilePath>) {
        let user = facts.images[path.value]?.place.flatMap { file in
            facts.otherVMs.holders(of: .file(file)).first { $0.isRunning }
        }
        let remedy: Remedy =
            user == nil
            ? "\(command: "fuser -v \(path.value)") shows which"
            : "name another file, or start this VM once that one has been stopped"
        refuse(
            .busy, place(path.origin), "\(path.value) is in use by \(user?.description ?? "another process")",
            .file(path.value, .inUse),
            remedy: remedy)
    }
}
