import CLinux
import Glibc
import SystemPackage

/// Carries a launch plan out: from the VM's lock to a running guest. On any failure what was done is undone in reverse;
/// most of it the kernel does, as the descriptors close.
struct Ignition {
    let plan: LaunchPlan
    let paths: Paths
    let foreground: Bool

    private var directory: RuntimeDirectory { RuntimeDirectory(plan.name, in: paths) }

    /// How long QEMU may take to make the machine, on a host that is busy with many.
    private static let patience = Duration.seconds(60)

    func light(_ life: consuming ByteLockFile) throws(VMError) {
        var newDisks: [FilePath] = []
        do throws(VMError) {
            for disk in plan.newDisks {
                try SparseDisk(path: disk.path, size: disk.size).create()
                newDisks.append(disk.path)
            }
            let table = try DescriptorTable(plan, life: life, paths: paths, foreground: foreground)
            var manifest = Manifest(plan)
            manifest.setTaps(table.tapNames)
            try write(manifest)
            var launch = Launch(
                path: plan.executable, arguments: plan.argumentVector,
                credentials: plan.credentials.resolved(uid: table.uid), lock: lockNumber)
            table.pass(to: &launch)
            if foreground { throw error(launch.become()) }
            try run(try spawn(launch, closing: table), &manifest)
        } catch {
            // Made by this start and never run: nobody has written to them.
            newDisks.forEach(removeFile)
            throw error
        }
    }

    private var lockNumber: CInt? { plan.descriptors.first { $0.role == .lock }?.number }

    /// Forks and executes. Our copies of the descriptors close with that: a QEMU that dies before it takes the monitor's
    /// connection must be the last one that had the listening socket, or we would wait for it.
    private func spawn(_ launch: Launch, closing table: consuming DescriptorTable) throws(VMError) -> Child {
        do throws(Launch.Failure) { return try launch.spawn() } catch { throw self.error(error) }
    }

    private func run(_ child: Child, _ manifest: inout Manifest) throws(VMError) {
        let deadline = Deadline(in: Self.patience)
        do throws(VMError) {
            var session = try MonitorSession.open(directory, by: deadline)
            if plan.summary.vncDisplay == .auto {
                manifest.setVNC(try session.execute(QMPCommand("query-vnc"), by: deadline))
                try write(manifest)
            }
            for command in plan.commit { _ = try session.execute(command, by: deadline) }
        } catch {
            throw failedStart(child, error)
        }
    }

    private func write(_ manifest: Manifest) throws(VMError) {
        do { try manifest.write(to: directory.manifestFile, group: Accounts.lookers) } catch {
            throw VMError(
                .cannotCreate, directory.manifestFile.string, "can't be written", errno: error as? Errno)
        }
    }

    private func error(_ failure: Launch.Failure) -> VMError {
        .system(failure.errno, plan.executable, "can't \(failure.stage)")
    }

    /// Ends what there is of QEMU, and says what it printed.
    private func failedStart(_ child: Child, _ cause: VMError) -> VMError {
        if let process = try? ProcessHandle(child: child.pid) { process.kill() }
        let code = child.reap()
        let log = paths.qemuLog(plan.name)
        let printed = QEMUMessages((try? readTail(log, limit: 4096)) ?? [])
        guard !printed.lines.isEmpty else {
            var error = cause
            error.details.append("QEMU printed nothing, and ended with \(code)")
            return error
        }
        return VMError(
            printed.code, plan.file.string, "QEMU can't start this VM", remedy: printed.remedy, details: printed.lines)
    }
}

/// What QEMU printed before it gave up.
struct QEMUMessages: Equatable {
    /// The last lines, without the time stamps.
    var lines: [String]

    init(_ log: [UInt8]) {
        let text = String(decoding: log, as: UTF8.self)
        lines = text.split(separator: "\n").suffix(8).map { line in
            let words = line.split(separator: " ", maxSplits: 1)
            // 2026-01-31T12:00:00.000000Z qemu-system-x86_64: …
            guard words.count == 2, words[0].utf8.count >= 20, words[0].hasSuffix("Z") else { return String(line) }
            return String(words[1])
        }
    }

    private func mentions(_ text: String) -> Bool { lines.contains { $0.contains(text) } }

    /// The kind of failure, as far as the words tell.
    var code: VMError.Code {
        if mentions("lock") && mentions("another process") || mentions("in use") { return .busy }
        return .unavailable
    }

    /// What to do, as far as the words tell.
    var remedy: String? {
        if mentions("another process") { return "a disk is in use by another process; `fuser -v DISK` says by which" }
        if mentions("Address already in use") { return "another program listens there; choose another VNCDISP" }
        if mentions("Cannot allocate memory") || mentions("set up guest memory") {
            return "the host has too little free memory for MEMORY"
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
