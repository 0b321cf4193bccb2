import Glibc
import SystemPackage
import VMCore
import VMHost

/// Removes a VM that is not running.
package struct Removing {
    /// The files to be removed.
    package var files: [FilePath] { doomed.map(\.path) }
    /// Disks and logs that are kept, each with the reason.
    package private(set) var kept: [(path: FilePath, why: String)] = []
    /// The directory of its logs, to be removed too; nil if there is none, or if it belongs to another VM of that name.
    package private(set) var logs: FilePath?
    private var doomed: [FileToRemove] = []
    /// Disks that no other VM known to kvmctl uses: a process that has locked one of them is running this VM.
    private var unclaimed: [FilePath] = []
    /// Why it can't be told of a disk that is to go whether another VM uses it. Without its params file nothing would know
    /// of the disk.
    private var doubt: VMError?
    private let vm: Machine
    private let trust: FileTrust
    private let context: PlanningContext

    /// Plans a removal: the params file, the logs, and with `disks` the images in the VM's own directory. Touches
    /// nothing.
    ///
    /// - Parameter context: the other VMs, which are read once for all the VMs that a command removes.
    init(_ vm: Machine, disks: Bool, in context: PlanningContext) throws(VMError) {
        try vm.refuseEphemeral()
        self.vm = vm
        self.context = context
        let own = vm.observe()
        let isAlive = try own.isAlive
        let isOwn = isAlive ? try vm.runsFromFile : false
        if isOwn, own.state != .starting { throw Self.isRunning(vm) }
        let file = try context.file(of: vm)
        guard file.params.name.value == vm.name else {
            throw VMError(
                .busy, vm.name.description, "its file now says NAME=\(file.params.name.value)",
                remedy: "look at the file, and remove the VM by that name")
        }
        self.trust = file.trust
        let logs = vm.paths.logs(vm.name)
        let isThere: Bool
        do throws(Errno) { isThere = try VMHost.isThere(logs) } catch {
            throw .system(error, logs.string, "can't tell whether the VM has logs")
        }
        // Logs belong to a name, and another VM of that name may be running, or may have been the last to run.
        let other = isThere ? try vm.lastOther() : nil
        self.logs = isThere && (isOwn || !isAlive) && other == nil ? logs : nil
        if let other { kept.append((logs, "they belong to \(other)")) }
        // An account can give its VM any name, also that of a VM of root's.
        if case .owner = file.trust.rule, self.logs != nil, try vm.manifest() == nil {
            self.logs = nil
            kept.append((logs, "nothing shows that they are this VM's"))
        }
        let params = try FileToRemove(vm.file, file.trust)
        try context.refuseStoodOn(file.params.disks, of: file.params) { users in
            "\(file.params.template.value ? "is a template, and " : "")disks of VMs are overlays of its disks: \(users)"
        }
        try context.refuseMaybeStoodOn(file.params.disks, of: file.params)
        try sort(file.params.disks, besides: params, removing: disks)
        try sortSeed(file.params, besides: params, removing: disks)
        for path in StateFiles(of: vm).all {
            if let file = try FileToRemove(path, trust) { doomed.append(file) }
        }
        if let params { doomed.append(params) }
        // An interrupted start has them open too, and is ended first.
        if !isOwn { try refuseUsed() }
    }

    /// Decides which disks are removed and which are kept.
    private mutating func sort(
        _ disks: [VMParams.Disk], besides params: FileToRemove?, removing: Bool
    ) throws(VMError) {
        let claims = context.allClaims
        if let obstacle = claims.obstacle { throw obstacle }
        let host = HostDisks()
        for (path, backing) in disks.map({ ($0.path.value, $0.backing.first?.value) }) {
            guard let disk = try FileToRemove(path, trust) else { continue }
            let use = claims.use(of: disk.status, at: path, besides: vm.file)
            if use == nil { unclaimed.append(path) }
            let unknown = claims.gap(besides: vm.file, at: path).map { "\($0), so another VM might use it" }
            let why: String? =
                if !removing {
                    "disks are kept without --disks"
                } else if disk.directory != params?.directory {
                    "it is outside the VM's directory"
                } else if disk.status.kind != S_IFREG {
                    "it is not a file"
                } else if let use = use ?? host.use(of: disk.status) {
                    "it \(use.words)"
                } else {
                    unknown
                }
            if let unknown, why == unknown {
                doubt = VMError(
                    .busy, path.string, "\(unknown): nothing is removed", remedy: remedy(ofGapAt: path, claims))
            }
            if let obstacle = host.obstacle { throw obstacle }
            // Nothing else knows of it from now on.
            let need = backing.map { "; it can't be read without \($0)" } ?? ""
            if let why { kept.append((path, why + need)) } else { doomed.append(disk) }
        }
    }

    private func remedy(ofGapAt disk: FilePath, _ claims: DiskClaims) -> Remedy {
        let keeping = "without --disks the VM is removed, and its disks are kept"
        guard claims.isUnmounted(besides: vm.file, at: disk) else {
            return .advice("make that readable first; \(keeping)")
        }
        return .advice(
            "mount it again; if that VM is gone for good, remove its line from \(vm.paths.notes); \(keeping)")
    }

    /// The files of its seed for cloud-init, and that of its VNC password, may hold secrets, and are written for this VM;
    /// others may name them too.
    private mutating func sortSeed(
        _ own: VMParams, besides params: FileToRemove?, removing: Bool
    ) throws(VMError) {
        for path in own.secretFiles {
            guard let file = try FileToRemove(path, trust), file.directory == params?.directory,
                file.status.kind == S_IFREG
            else { continue }
            let others = context.site.definitions().files.compactMap { try? context.glance(at: $0) }
            let other = others.first { other in
                other.file != own.file && other.secretFiles.contains(path)
            }
            if !removing {
                kept.append((path, "it is kept without --disks"))
            } else if let other {
                kept.append((path, "the VM \(other.name.value) has it too"))
            } else {
                doomed.append(file)
            }
        }
    }

    private static func isRunning(_ vm: Machine) -> VMError {
        VMError(
            .busy, vm.name.description, "it is running",
            remedy: "stop it first")
    }

    private func refuseUsed() throws(VMError) {
        for disk in unclaimed { try refuseUsed(disk) }
    }

    /// Refuses a disk that QEMU has locked: somebody is running the VM, even if kvmctl knows nothing of it.
    private func refuseUsed(_ disk: FilePath) throws(VMError) {
        let deadline = Deadline(in: .seconds(2))
        while true {
            let image = ImageFacts(probing: disk, trust)
            if case .denied = image {
                throw VMError(
                    .denied, disk.string, "can't tell whether it is in use", remedy: "run kvmctl as root")
            }
            if case .failed(let errno, _) = image {
                throw .system(errno, disk.string, "can't tell whether it is in use, so the VM is not removed")
            }
            guard image.isLocked else { return }
            guard !deadline.hasPassed else {
                throw VMError(
                    .busy, disk.string, "is in use by another process, so the VM is not removed",
                    remedy: "\(command: "lslocks") names the process; stop the VM as the user who started it")
            }
            // A QEMU that was just killed keeps its locks until its memory is freed.
            pause(.milliseconds(20))
        }
    }

    /// Removes the VM.
    package func remove() throws(VMError) {
        try vm.operate { () throws(VMError) in
            let isAnothers = try vm.settle().isAlive ? try !vm.runsFromFile : false
            if !isAnothers, try vm.observe(holdingOperation: true).isAlive {
                throw Self.isRunning(vm)
            }
            try refuseUsed()
            if let doubt { throw doubt }
            // No other command replaces the params file meanwhile, which would be kept, without its disks.
            let lock = try vm.paths.lockFiles()
            defer { lock.giveBack(0) }
            for file in doomed { try file.refuseReplaced() }
            var removed: [FilePath] = []
            do throws(VMError) { try removeAll(isAnothers: isAnothers, noting: &removed) } catch {
                var failure = error
                failure.details += removed.map { "\($0) is removed" }
                throw failure
            }
        }
    }

    /// The params file goes last: as long as it is there, the command can be repeated.
    private func removeAll(isAnothers: Bool, noting removed: inout [FilePath]) throws(VMError) {
        if !isAnothers, let logs {
            try vm.removeLogs()
            removed.append(logs)
        }
        for file in doomed {
            try file.remove()
            removed.append(file.path)
        }
        context.takeAsRemoved(vm)
        // A note that leads nowhere does no harm.
        try? vm.site.noted.forget(vm.file)
        // The VM's own directory, if nothing is left in it.
        if vm.file.lastComponent?.string == "vm.params" { doomed.last?.removeEmptyDirectory(trust) }
        // Logs and run-time files belong to a name, and another VM of that name is running.
        if !isAnothers { try vm.directory.remove() }
    }

}

extension VMParams {
    /// Files that it names and that may hold secrets.
    fileprivate var secretFiles: [FilePath] {
        (cloudInit?.files.map(\.value) ?? []) + [vnc.passwordFile?.value].compactMap(\.self)
    }
}

extension Machine {
    /// Removes the logs of its name. There may be none.
    func removeLogs() throws(VMError) {
        let directory = paths.logs(name)
        do throws(Errno) {
            for name in try names(in: directory) ?? [] { removeFile(directory.appending(name)) }
            // Which fails if one of them is still there.
            guard directory.withPlatformString({ rmdir($0) }) == 0 || errno == ENOENT else {
                throw Errno(rawValue: errno)
            }
        } catch { throw .system(error, directory.string, "can't be removed") }
    }
}

extension RuntimeDirectory {
    /// Removes it with all its files; the locks file, which this command has locked, last.
    func remove() throws(VMError) {
        do throws(Errno) {
            let files = (try names(in: path) ?? []).map { path.appending($0) }
            for file in files.filter({ $0 != locksFile }) + [locksFile] {
                guard file.withPlatformString({ unlink($0) }) == 0 || errno == ENOENT else {
                    throw Errno(rawValue: errno)
                }
            }
        } catch { throw .system(error, path.string, "can't be removed") }
        // Another command may have made a new locks file by now: then the directory stays.
        removeDirectory(path)
    }
}
