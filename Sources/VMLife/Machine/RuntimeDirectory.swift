import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// A VM's directory under RUN: its lock file, its sockets, its manifest.
struct RuntimeDirectory {
    /// The locks on the bytes of the locks file.
    enum Lock: Int64 {
        /// Held by the kvmctl that is changing the VM's state (`VMLock.operation`).
        case operation
        /// Held by the one client that the QMP socket can serve.
        case monitor
        /// Held by the one client that the console socket can serve.
        case console
        /// Held by the one client that the guest agent's socket can serve.
        case agent
        /// Shared by those that wait for `agent` and need it briefly. They come first.
        case agentWanted
        /// Shared by those that wait for `agent` again and again, for a long time.
        case agentWantedForLong
        /// Shared by the commands that restart the VM, from before it is stopped until it runs again.
        case comingBack
    }

    /// A socket in the directory.
    enum Socket: String {
        case monitor = "qmp.sock"
        case serial = "serial.sock"
        case agent = "agent.sock"
    }

    let name: VMName
    let path: FilePath
    /// What QEMU records of its life. It outlives the directory, and is kept elsewhere.
    let record: FilePath

    init(_ name: VMName, in paths: Paths) {
        self.name = name
        path = paths.machine(name)
        record = paths.record(name)
    }

    /// Tells whether the VM is alive.
    var life: VMLock { VMLock(directory: path) }
    /// The file of the locks that only kvmctl's commands use. QEMU has no descriptor of it.
    var locksFile: FilePath { life.locksFile }
    var manifestFile: FilePath { path.appending("manifest.json") }
    /// What the guest sees of the running machine, for `suspend`.
    var machineFile: FilePath { path.appending("machine.json") }

    /// Opens the locks file, and creates the directory if it is missing.
    func openLocks() throws(VMError) -> ByteLockFile {
        try make()
        let file = locksFile
        func opened() throws(Errno) -> ByteLockFile { try ByteLockFile(creating: file, permissions: 0o600) }
        do throws(Errno) { return try opened() } catch .noSuchFileOrDirectory {
            // A concurrent `rm` removed the new directory, which it does only once.
            try make()
        } catch {
            throw .unusable(error, file)
        }
        do throws(Errno) { return try opened() } catch { throw .unusable(error, file) }
    }

    private func make() throws(VMError) {
        do throws(Errno) { try makeDirectories(path, permissions: 0o750, group: Accounts.lookers) } catch {
            throw cannotMake(error)
        }
        // The owner of the directory above could put another one in its place.
        for directory in [path.removingLastComponent(), path] {
            let found: stat?
            do throws(Errno) { found = try status(of: directory) } catch { throw cannotMake(error) }
            if let found { try RunFileOwnership.refuseForeign(found, at: directory) }
        }
    }

    /// Removes what a start that failed has left: it says nothing about the last run.
    func forgetStart() {
        for file in [manifestFile, machineFile] { try? removeReplacedFile(file) }
        for socket in [Socket.monitor, .serial, .agent] { removeFile(path.appending(socket.rawValue)) }
        removeFile(adoptedMonitor)
    }

    func cannotMake(_ error: Errno) -> VMError {
        .system(
            error, path.string, "can't be created",
            remedy: error == .noSpace ? nil : "set KVMCTL_RUN, or XDG_RUNTIME_DIR, to a directory where you may write")
    }

    /// Which process is QEMU, or was.
    var holder: ProcessIdentity? { (try? life.signer) ?? nil }

    func listen(_ socket: Socket) throws(VMError) -> OwnedDescriptor {
        // A QEMU that was adopted under this name has ended.
        if socket == .monitor { removeFile(adoptedMonitor) }
        do throws(Errno) {
            let directory = try OwnedDescriptor.directory(path)
            return try OwnedDescriptor(returned: clinux_unix_listen(directory.rawValue, socket.rawValue, 0o600))
        } catch {
            throw .system(error, path.appending(socket.rawValue).string, "can't listen")
        }
    }

    func connect(_ socket: Socket) throws(Errno) -> OwnedDescriptor {
        let directory = try OwnedDescriptor.directory(path)
        do throws(Errno) {
            return try OwnedDescriptor(returned: clinux_unix_connect(directory.rawValue, socket.rawValue))
        } catch .noSuchFileOrDirectory where socket == .monitor {
            return try connectToAdopted()
        }
    }
}

extension VMError {
    /// Whether it is that a params file is missing, and not one that it includes.
    func isAbout(missing file: FilePath) -> Bool { code == .notFound && (try? isThere(file)) == false }

    /// The error for a running VM whose params file is gone.
    static func fileOfRunning(_ name: some CustomStringConvertible, _ file: FilePath) -> VMError {
        VMError(
            .notFound, file.string, "there is no such file any longer, and \(name) runs on as it was started",
            remedy: "put the file back; \(command: "kvmctl show \("\(name)")") says what it had")
    }

    /// The error for a VM that still runs although some of its run-time files were removed.
    static func withoutRuntimeFiles(_ name: VMName, _ what: String) -> VMError {
        VMError(
            .busy, name.description, "it is running, but somebody removed its run-time files, so \(what)",
            remedy: "shut down its guest from inside, or stop it; then start it again")
    }
}
