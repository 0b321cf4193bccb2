import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

// The monitor of a QEMU that kvmctl did not start is a socket anywhere, which its owner can replace.
extension RuntimeDirectory {
    /// A link to that socket, while an adopted QEMU runs under this name.
    var adoptedMonitor: FilePath { path.appending("adopted.sock") }

    /// Whether the VM that runs was adopted.
    var isAdopted: Bool { RunFileOwnership.ownStatus(of: adoptedMonitor) != nil }

    /// Connects to the socket, if the VM's own process listens there.
    func connectToAdopted() throws(Errno) -> OwnedDescriptor {
        guard let place = ProcessFiles.target(adoptedMonitor.string) else { throw .noSuchFileOrDirectory }
        guard let process = try life.signer, process.life == .running else { throw .connectionRefused }
        do throws(Errno) { return try .monitor(at: FilePath(place), of: process) } catch .permissionDenied {
            // Whoever listens there instead, it is not QEMU: a stop goes on without its monitor.
            throw .socketNotConnected
        }
    }

    /// Has the link lead to a socket.
    func leadMonitor(to socket: FilePath) throws(Errno) {
        removeFile(adoptedMonitor)
        let result = socket.withPlatformString { to in adoptedMonitor.withPlatformString { symlink(to, $0) } }
        guard result == 0 else { throw Errno(rawValue: errno) }
    }
}

extension OwnedDescriptor {
    /// Connects to the socket on which a process listens.
    ///
    /// - Throws: `.permissionDenied` if it is another process that listens there.
    static func monitor(at path: FilePath, of process: ProcessIdentity) throws(Errno) -> OwnedDescriptor {
        guard let name = path.lastComponent?.string else { throw .noSuchFileOrDirectory }
        let directory = try OwnedDescriptor.directory(path.removingLastComponent())
        let socket = try OwnedDescriptor(returned: clinux_unix_connect(directory.rawValue, name))
        guard clinux_unix_peer(socket.rawValue) == process.pid else { throw .permissionDenied }
        return socket
    }
}

extension Machine {
    /// Refuses a VM that kvmctl did not start, for what only its own have.
    ///
    /// - Parameter loss: what is therefore so, such as `it can't be suspended`.
    /// - Throws: `.busy`.
    func refuseAdopted(_ loss: String) throws(VMError) {
        if directory.isAdopted { throw .adopted(name, loss) }
    }
}

extension VMError {
    static func adopted(_ name: VMName, _ loss: String) -> VMError {
        VMError(
            .busy, name.description, "it was adopted, not started by kvmctl: \(loss)",
            remedy: .run("restart it, and it is as any other", "kvmctl restart \(name)"))
    }
}
