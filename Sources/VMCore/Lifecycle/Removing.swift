import Glibc
public import SystemPackage

/// Removes a VM that does not run.
public struct Removing {
    /// The files that will go.
    public let files: [FilePath]
    /// Disks that stay, each with why.
    public let kept: [(path: FilePath, why: String)]
    /// The directory of its logs, which will go too; nil where there is none, or where another VM of that name runs.
    public let logs: FilePath?
    /// Disks that no other VM that kvmctl knows of has: whoever has locked one of them runs this VM.
    private let unclaimed: [FilePath]
    private let vm: VMReference
    private let paths: Paths

    /// Plans a removal: the params file, the logs, and with `disks` the images in the VM's own directory. Touches
    /// nothing.
    public init(_ vm: VMReference, disks: Bool, paths: Paths) throws(VMError) {
        self.vm = vm
        self.paths = paths
        let home = vm.file.removingLastComponent()
        let directory = RuntimeDirectory(vm.name, in: paths)
        let own = Observation(vm.name, in: paths).state
        let isOwn = own.isAlive && directory.isRunning(vm.file)
        if isOwn, own != .starting { throw Self.isRunning(vm) }
        let users = DiskUsers(besides: vm, paths)
        var unclaimed: [FilePath] = []
        var files: [FilePath] = []
        var kept: [(path: FilePath, why: String)] = []
        for path in try VMFile(vm.file).params.disks.map(\.path.value) {
            guard let found = try? status(of: path) else { continue }
            if users.user(of: found) == nil { unclaimed.append(path) }
            if disks {
                if path.removingLastComponent() != home {
                    kept.append((path, "it is outside the VM's directory"))
                } else if found.st_mode & S_IFMT != S_IFREG {
                    kept.append((path, "it is not a file"))
                } else if let user = users.user(of: found) {
                    kept.append((path, user))
                } else {
                    files.append(path)
                }
            } else {
                kept.append((path, "disks are kept without --disks"))
            }
        }
        self.files = files + [vm.file]
        let logs = paths.logs(vm.name)
        let isThere = logs.withPlatformString { access($0, F_OK) } == 0
        // They go by the name, and another VM of that name may be running.
        self.logs = isThere && (isOwn || !own.isAlive) ? logs : nil
        self.kept = kept
        self.unclaimed = unclaimed
        // A start that was cut short has them too, and is ended first.
        if !isOwn { try refuseUsed() }
    }

    private static func isRunning(_ vm: VMReference) -> VMError {
        VMError(
            .busy, vm.name.description, "it is running",
            remedy: "stop it first: `kvmctl stop \(shellQuoted(vm.file.string))`")
    }

    private func refuseUsed() throws(VMError) {
        for disk in unclaimed { try Self.refuseUsed(disk) }
    }

    /// A disk that QEMU has a lock on: somebody runs the VM, whatever kvmctl knows of them.
    private static func refuseUsed(_ disk: FilePath) throws(VMError) {
        let deadline = Deadline(in: .seconds(2))
        while true {
            let image = ImageFacts(probing: disk)
            if case .denied = image {
                throw VMError(
                    .denied, disk.string, "whether it is in use can't be seen", remedy: "run kvmctl as root")
            }
            guard image.isLocked else { return }
            guard !deadline.hasPassed else {
                throw VMError(
                    .busy, disk.string, "is in use by another process, so the VM is not removed",
                    remedy: "`lslocks` names the process; stop the VM as the user who started it")
            }
            // A QEMU that was just killed keeps its locks until its memory is gone.
            pause(.milliseconds(20))
        }
    }

    /// Removes it.
    public func remove() throws(VMError) {
        let directory = RuntimeDirectory(vm.name, in: paths)
        try directory.operate { () throws(VMError) in
            let isAnothers = try directory.settle(paths).state.isAlive && !directory.isRunning(vm.file)
            guard isAnothers || !Observation(vm.name, in: paths).state.isAlive else {
                throw Self.isRunning(vm)
            }
            try refuseUsed()
            for file in files {
                guard file.withPlatformString({ unlink($0) }) == 0 || errno == ENOENT else {
                    throw .system(Errno(rawValue: errno), file.string, "can't be removed")
                }
            }
            removeEmptyHome()
            // Logs and run-time files go by the name, and another VM of that name runs.
            if !isAnothers { removeTraces(directory) }
        }
    }

    /// The VM's own directory, if nothing is left in it.
    private func removeEmptyHome() {
        guard vm.file.lastComponent?.string == "vm.params" else { return }
        _ = vm.file.removingLastComponent().withPlatformString { rmdir($0) }
    }

    /// Logs and run-time files; the file of turns, which this command holds, last.
    private func removeTraces(_ directory: RuntimeDirectory) {
        let logs = paths.logs(vm.name)
        for name in (try? names(in: logs)) ?? [] { removeFile(logs.appending(name)) }
        for name in (try? names(in: directory.path)) ?? [] where directory.path.appending(name) != directory.turnsFile {
            removeFile(directory.path.appending(name))
        }
        removeFile(directory.turnsFile)
        for place in [logs, directory.path] { _ = place.withPlatformString { rmdir($0) } }
    }
}

/// Whose the disks on this host are, as far as kvmctl knows: by file, not by path, for a file can have several.
private struct DiskUsers {
    private struct FileID: Hashable {
        var device: UInt64
        var inode: UInt64

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }

    private var users: [FileID: String] = [:]
    /// A VM whose file can't be read, so that nobody knows what it uses.
    private var unreadable: FilePath?

    init(besides vm: VMReference, _ paths: Paths) {
        let locator = VMLocator(paths)
        for file in locator.definedFiles() where !isSameFile(file, vm.file) {
            guard let params = try? VMFile(file).params else {
                unreadable = file
                continue
            }
            add(params.disks.map(\.path.value), "the VM \(params.name.value) uses it")
        }
        for name in locator.startedNames() where Observation(name, in: paths).state.isAlive {
            guard let manifest = Manifest(reading: RuntimeDirectory(name, in: paths).manifestFile) else { continue }
            add(manifest.media.map { FilePath($0) }, "the VM \(name), which is running, uses it")
        }
    }

    private mutating func add(_ disks: [FilePath], _ use: String) {
        for path in disks {
            if let found = try? status(of: path) { users[FileID(found)] = use }
        }
    }

    /// Why the file may not go; nil: nobody uses it.
    func user(of file: stat) -> String? {
        users[FileID(file)] ?? unreadable.map { "\($0) can't be read, and might use it" }
    }
}
