import CLinux
import Glibc
import SystemPackage

/// Carries a launch plan out: from the VM's lock to a running guest. On any failure what was done is undone in reverse;
/// most of it the kernel does, as the descriptors close.
struct Ignition {
    let plan: LaunchPlan
    let paths: Paths
    let foreground: Bool
    let stopwatch: Stopwatch

    private var directory: RuntimeDirectory { RuntimeDirectory(plan.name, in: paths) }

    /// How long QEMU may take to make the machine, on a host that is busy with many.
    private static let patience = Duration.seconds(60)

    func light(_ life: consuming ByteLockFile) throws(VMError) {
        var newDisks: [FilePath] = []
        var logs: [FilePath] = []
        do throws(VMError) {
            for disk in plan.newDisks {
                try SparseDisk(path: disk.path, size: disk.size).create()
                newDisks.append(disk.path)
            }
            stopwatch.lap(.disks)
            logs = try RunLog.setAside(paths, plan.name)
            let table = try DescriptorTable(
                plan, life: life, paths: paths, foreground: foreground, stopwatch: stopwatch)
            var manifest = Manifest(plan, foreground: foreground)
            manifest.setTaps(table.tapNames)
            try manifest.write(to: directory)
            var launch = Launch(
                path: plan.executable, arguments: plan.argumentVector,
                credentials: plan.credentials.resolved(uid: table.uid))
            let identity = try identityFile()
            launch.identity = identity.descriptor
            table.pass(to: &launch)
            stopwatch.lap(.descriptors)
            if foreground { throw error(launch.become()) }
            let child = try spawn(launch, closing: table)
            extendLifetime(identity)
            try run(child, &manifest)
        } catch {
            // Made by this start and never run: nobody has written to them.
            newDisks.forEach(removeFile)
            // What the last run left is still the last word; what QEMU said of this start stays.
            logs.filter { $0 != paths.qemuLog(plan.name) }.forEach(RunLog.bringBack)
            throw error
        }
    }

    /// The file that the process signs just before it becomes QEMU, and then has no more.
    private func identityFile() throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            return try openOwn(
                directory.processFile, .writeOnly, flags: O_TRUNC, permissions: 0o640, group: Accounts.lookers)
        } catch {
            throw .system(error, directory.processFile.string, "can't be written")
        }
    }

    /// Forks and executes. Our copies of the descriptors close with that: a QEMU that dies before it takes the monitor's
    /// connection must be the last one that had the listening socket, or we would wait for it.
    private func spawn(_ launch: Launch, closing table: consuming DescriptorTable) throws(VMError) -> Child {
        do throws(Launch.Failure) { return try launch.spawn() } catch { throw self.error(error) }
    }

    private func run(_ child: Child, _ manifest: inout Manifest) throws(VMError) {
        let deadline = Deadline(in: Self.patience)
        do throws(VMError) {
            stopwatch.lap(.spawn)
            var session = try MonitorSession.open(directory, by: deadline)
            stopwatch.lap(.qemu)
            if plan.summary.vncDisplay == .auto {
                manifest.setVNC(try session.execute(QMPCommand("query-vnc"), by: deadline))
                try manifest.write(to: directory)
            }
            for command in plan.commit { _ = try session.execute(command, by: deadline) }
            stopwatch.lap(.commit)
        } catch {
            throw failedStart(child, error)
        }
    }

    private func error(_ failure: Launch.Failure) -> VMError {
        .system(failure.errno, plan.executable, "can't \(failure.stage)")
    }

    /// Ends what there is of QEMU, and says what it printed.
    private func failedStart(_ child: Child, _ cause: VMError) -> VMError {
        child.kill()
        let code = child.reap()
        let log = paths.qemuLog(plan.name)
        let printed = QEMUMessages((try? readTail(log, limit: 4096)) ?? [], naming: plan.descriptors)
        guard !printed.lines.isEmpty else {
            var error = cause
            error.details.append("QEMU printed nothing, and ended with \(code)")
            return error
        }
        return VMError(
            printed.code, plan.file.string, "QEMU can't start this VM",
            remedy: diskUser(printed) ?? printed.remedy, details: printed.lines)
    }

    /// Which of our own VMs has the disk that QEMU could not lock.
    private func diskUser(_ printed: QEMUMessages) -> String? {
        guard printed.isDiskInUse else { return nil }
        let media = Set(plan.summary.media.map(\.string))
        for other in VMLocator(paths).startedNames() where other != plan.name {
            guard let manifest = Manifest(reading: RuntimeDirectory(other, in: paths).manifestFile),
                let disk = manifest.media.first(where: media.contains), Observation(other, in: paths).state.isAlive
            else { continue }
            return "the VM \(other) uses \(disk): stop it first (`kvmctl stop \(other)`)"
        }
        return nil
    }
}

extension Manifest {
    mutating func setTaps(_ names: [Int: String]) {
        for position in nics.indices { nics[position].tap = names[nics[position].index] }
    }

    /// Takes the address from what `query-vnc` returned.
    mutating func setVNC(_ answer: JSON) {
        guard let host = answer["host"]?.string, let port = answer["service"]?.string.flatMap({ Int($0) }) else {
            return
        }
        vnc = VNC(address: host, port: port)
    }
}
