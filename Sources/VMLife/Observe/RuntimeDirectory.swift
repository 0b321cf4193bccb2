import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// A VM's directory under RUN: its lock file, its sockets, its manifest.
struct RuntimeDirectory {
    /// What the bytes of the turns file stand for.
    enum Turn: Int64 {
        /// Held by the kvmctl that is changing the VM's state (`VMLock.operation`).
        case operation
        /// Held by the one client that the QMP socket can serve.
        case monitor
        /// Held by the one client that the console socket can serve.
        case console
        /// Held by the one client that the guest agent's socket can serve.
        case agent
    }

    /// A socket in the directory.
    enum Socket: String {
        case monitor = "qmp.sock"
        case serial = "serial.sock"
        case agent = "agent.sock"
    }

    let name: VMName
    let path: FilePath

    init(_ name: VMName, in paths: Paths) {
        self.name = name
        path = paths.machine(name)
    }

    /// Whether the VM lives.
    var life: VMLock { VMLock(directory: path) }
    /// Whose turn it is, among kvmctl's commands. QEMU has no descriptor of it.
    var turnsFile: FilePath { life.turnsFile }
    var manifestFile: FilePath { path.appending("manifest.json") }

    /// Opens the file of turns, and makes the directory where it is missing.
    func openTurns() throws(VMError) -> ByteLockFile {
        try make()
        let file = turnsFile
        func opened() throws(Errno) -> ByteLockFile { try ByteLockFile(creating: file, permissions: 0o600) }
        do throws(Errno) { return try opened() } catch .noSuchFileOrDirectory {
            // An `rm` at the same moment took the new directory away, which it does once.
            try make()
        } catch {
            throw .unusable(error, file)
        }
        do throws(Errno) { return try opened() } catch { throw .unusable(error, file) }
    }

    private func make() throws(VMError) {
        let found: stat?
        do throws(Errno) {
            try makeDirectories(path, permissions: 0o750, group: Accounts.lookers)
            found = try status(of: path)
        } catch { throw cannotMake(error) }
        if let found { try Custody.refuseForeign(found, at: path) }
    }

    func cannotMake(_ error: Errno) -> VMError {
        .system(
            error, path.string, "can't be made",
            remedy: error == .noSpace ? nil : "set KVMCTL_RUN, or XDG_RUNTIME_DIR, to a directory where you may write")
    }

    /// Which process is QEMU, or was.
    var holder: ProcessIdentity? { (try? life.signer) ?? nil }

    /// Whether what runs under this name was started from that file; false where the name's VM is another one.
    func isRunning(_ file: FilePath) throws(VMError) -> Bool {
        // Without a manifest there is nothing that says otherwise.
        guard let manifest = try Manifest.read(self) else { return true }
        return try manifest.isOf(file)
    }

    /// The params file of another VM, which was the last that ran under this name, and is still there; else nil.
    func lastOther(than file: FilePath) throws(VMError) -> FilePath? {
        guard let manifest = try Manifest.read(self), try !manifest.isOf(file) else { return nil }
        do throws(Errno) { return try isThere(manifest.file) ? manifest.file : nil } catch {
            throw .system(error, manifest.file.string, "whether it is there can't be seen")
        }
    }

    func listen(_ socket: Socket) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            let directory = try OwnedDescriptor.directory(path)
            return try OwnedDescriptor(returned: clinux_unix_listen(directory.rawValue, socket.rawValue, 0o600))
        } catch {
            throw .system(error, path.appending(socket.rawValue).string, "can't listen")
        }
    }

    func connect(_ socket: Socket) throws(Errno) -> OwnedDescriptor {
        let directory = try OwnedDescriptor.directory(path)
        return try OwnedDescriptor(returned: clinux_unix_connect(directory.rawValue, socket.rawValue))
    }
}

extension VMError {
    /// Why something can't be done to a VM that runs on though somebody has removed its run-time files, or one of them.
    static func withoutRuntimeFiles(_ name: VMName, _ what: String) -> VMError {
        VMError(
            .busy, name.description, "it runs, but somebody removed its run-time files, so \(what)",
            remedy: "shut its guest down from inside, or stop it; then start it again")
    }
}
