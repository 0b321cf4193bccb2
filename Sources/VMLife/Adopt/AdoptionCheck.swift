import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

extension Site {
    /// Refuses a process that is no QEMU, another user's, or known already.
    ///
    /// A process may write anything into its command line, and root does what a params file says: so the accounts count
    /// whose files root trusts.
    func refuse(_ process: ForeignProcess, _ trust: FileTrust) throws(VMError) {
        let (pid, program) = (process.identity.pid, process.program.lastComponent?.string ?? "")
        let names = ["qemu-system-x86_64", "qemu-system-i386", "qemu-kvm", "kvm"]
        guard names.contains(where: { program == $0 || program == "\($0) (deleted)" }) else {
            throw VMError(
                .usage, "pid \(pid)",
                "is not a QEMU that kvmctl knows: it runs \(Printable.escaped(process.program.string))",
                remedy: "\(command: "pgrep -a qemu") lists those that run")
        }
        try refuseKnown(process)
        guard process.uids.allSatisfy(trust.believes), !process.uids.isEmpty else {
            let owner = process.uids.first { !trust.believes($0) } ?? UInt32.max
            throw VMError(
                .denied, "pid \(pid)",
                "runs as \(Accounts.name(owner)), who could write anything into its command line",
                remedy: "run kvmctl as that user: the VM is then that user's")
        }
    }
}

extension Site {
    /// Refuses a process that is a VM already.
    private func refuseKnown(_ process: ForeignProcess) throws(VMError) {
        let pid = process.identity.pid
        for found in running() {
            let vm = try found.get()
            guard vm.observe().holder?.pid == pid else { continue }
            throw VMError(
                .busy, "pid \(pid)", "is the VM \(vm.name) already",
                remedy: "see \(command: "kvmctl show \(vm.name)")")
        }
    }

    /// Runs `body` while no other command adopts a process, which must not become two VMs, and talks to one client at a
    /// time.
    package func adoptingAlone(_ body: () throws(VMError) -> Void) throws(VMError) {
        try paths.makeRun()
        let file = paths.run.appending("adoptions")
        let host = try ByteLockFile.make(file, permissions: 0o600)
        guard try host.take(0, of: file, by: Deadline(in: .seconds(60))) else {
            throw VMError(
                .busy, file.string, "is locked by another process", remedy: "\(command: "lslocks") says which")
        }
        defer { host.giveBack(0) }
        try body()
    }
}

extension FileTrust {
    /// Whether what a process of this account says of itself counts.
    fileprivate func believes(_ uid: UInt32) -> Bool {
        switch rule {
        case .ownRights: uid == geteuid()
        case .accounts(let accounts): accounts.contains(uid)
        case .owner: false
        }
    }
}

extension AdoptedMachine {
    /// Asks the QEMU what its command line does not say.
    ///
    /// - Returns: the socket through which it can be given the lock; or why there is none.
    func askedMonitor(
        of process: ForeignProcess, for facts: inout AdoptionFacts
    ) -> (place: FilePath?, obstacle: VMError?) {
        let subject = "pid \(process.identity.pid)"
        guard !monitors.isEmpty else {
            let what = hasHumanMonitor ? "has a monitor for people (HMP), but" : "has"
            return (
                nil,
                VMError(
                    .unavailable, subject, "\(what) no QMP socket (-qmp unix:PATH), so it can't be given the VM's lock",
                    remedy:
                        "--file-only writes the file for its next start; until then only QEMU's locks on images guard it"
                )
            )
        }
        var obstacle: VMError?
        for path in monitors.filter({ $0.utf8.count < Int(PATH_MAX) }).map({ FilePath($0) }) {
            do throws(VMError) {
                try facts.ask(path, process)
                return (path, nil)
            } catch { obstacle = error }
        }
        return (nil, obstacle)
    }
}

extension AdoptionFacts {
    fileprivate mutating func ask(_ path: FilePath, _ process: ForeignProcess) throws(VMError) {
        let state = try process.talk(at: path) { client, deadline throws(QMPClient.Failure) in
            board = try client.execute(.board, by: deadline)
            usesKVM = try client.execute(.usesKVM, by: deadline)
            vnc = try client.execute(.vncServer, by: deadline)
            for (file, format) in try client.execute(.imageFormats, by: deadline) {
                formats[file.hasPrefix("/") ? file : "\(directory ?? "")/\(file)"] = format
            }
            return try client.execute(.status, by: deadline)
        }
        guard state.vmState == .starting else { return }
        throw VMError(
            .busy, "pid \(process.identity.pid)", "its machine has not run yet (\(state.name))",
            remedy: "let it run first (cont), then adopt it")
    }
}

extension ForeignProcess {
    /// A conversation with its QMP socket.
    func talk<Result>(
        at path: FilePath, _ body: (inout QMPClient, Deadline) throws(QMPClient.Failure) -> Result
    ) throws(VMError) -> Result {
        let subject = "pid \(identity.pid)"
        let deadline = Deadline(in: Adopting.patience)
        do throws(QMPClient.Failure) {
            let socket: OwnedDescriptor
            do throws(Errno) { socket = try .monitor(at: path, of: identity) } catch { throw .system(error) }
            var client = try QMPClient(socket, by: deadline)
            return try body(&client, deadline)
        } catch {
            switch error {
            case .system(.permissionDenied):
                throw VMError(
                    .denied, subject, "its QMP socket, \(path), can't be used, or another process listens there",
                    remedy: "one that another program manages, as libvirt does, has to be left to it")
            case .silent:
                throw VMError(
                    .timedOut, subject, "does not answer at its QMP socket, \(path): another client may have it",
                    remedy: "end that client, and adopt it again")
            default:
                throw VMError(.unavailable, subject, "its QMP socket, \(path): \(error.cause)")
            }
        }
    }
}
