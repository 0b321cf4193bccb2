import CLinux
import Glibc
import SystemPackage

/// A VM's directory under RUN: its lock file, its sockets, its manifest.
struct RuntimeDirectory {
    /// What the bytes of the lock file stand for.
    enum Lock: Int64 {
        /// Held by QEMU, and so the VM's life itself.
        case life
        /// Held by the kvmctl that is changing the VM's state.
        case operation
        /// Held by the one client that the QMP socket can serve.
        case monitor
        /// Held by the one client that the console socket can serve.
        case console
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

    var lockFile: FilePath { path.appending("lock") }
    var manifestFile: FilePath { path.appending("manifest.json") }

    /// Opens the lock file, and makes the directory where it is missing.
    func openLock() throws(VMError) -> ByteLockFile {
        do throws(Errno) {
            try makeDirectories(path, permissions: 0o750, group: Accounts.lookers)
            let file = try ByteLockFile(creating: lockFile, permissions: 0o640)
            if let group = Accounts.lookers { fchown(file.descriptor.rawValue, UInt32.max, group) }
            return file
        } catch {
            throw .system(error, lockFile.string, "can't open the VM's lock")
        }
    }

    /// Opens the lock file of a VM that was started before; nil where it never was.
    func openLockIfThere() throws(Errno) -> ByteLockFile? {
        do throws(Errno) {
            return try ByteLockFile(asking: lockFile)
        } catch .noSuchFileOrDirectory {
            return nil
        }
    }

    /// Who holds the life lock: what the process wrote into the lock file just before it became QEMU.
    var holder: ProcessIdentity? {
        (try? readFile(lockFile, limit: 64)).flatMap { ProcessIdentity(String(decoding: $0, as: UTF8.self)) }
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
