import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Starts the server of a shared directory.
///
/// It gets the listening end of a connection that is made already, and its other end becomes QEMU's. So it ends with QEMU,
/// and before that with this process, for then nobody has the other end: there is nothing to clean up, whoever is killed.
struct ShareServing {
    let plan: LaunchPlan
    let trust: FileTrust
    /// Whether it keeps the limits of this process, as QEMU does.
    let keepsLimits: Bool
    /// What it says goes where QEMU's messages go.
    let messages: CInt

    /// How long it may take to be executed.
    private static let patience = Duration.seconds(20)

    /// - Returns: QEMU's end of the connection.
    func serve(_ share: SharedDirectory) throws(VMError) -> OwnedDescriptor {
        let directory = try PlannedFiles(identities: plan.identities, trust: trust).directory(share.path)
        do throws(Errno) {
            let tree = try OwnedDescriptor(returned: clinux_copy_tree(directory.rawValue, share.isReadOnly))
            var (listener, connection): (CInt, CInt) = (-1, -1)
            let result = clinux_unix_connected(&listener, &connection)
            guard result == 0 else { throw Errno(rawValue: -result) }
            let end = OwnedDescriptor(FileDescriptor(rawValue: connection))
            try spawn(tree, OwnedDescriptor(FileDescriptor(rawValue: listener)))
            return end
        } catch {
            throw .system(error, share.path.string, "can't be shared", remedy: Self.needs)
        }
    }

    private static let needs: Remedy =
        "it takes Linux 5.12, a directory \(ShareServer.place) and, in a container, the capability CAP_SYS_ADMIN"

    private func spawn(_ tree: borrowing OwnedDescriptor, _ listener: borrowing OwnedDescriptor) throws(Errno) {
        guard let server = plan.shareServer else { throw .noSuchFileOrDirectory }
        let nothing = try OwnedDescriptor.open("/dev/null", .readOnly)
        var launch = Launch(path: server.path.string, arguments: server.arguments, credentials: ResolvedCredentials())
        (launch.keepsPrivileges, launch.keepsLimits, launch.cpus) = (true, keepsLimits, plan.cpus)
        launch.tree = (tree.descriptor, ShareServer.place)
        launch.pass(nothing.descriptor, as: STDIN_FILENO)
        for output in [STDOUT_FILENO, STDERR_FILENO] { launch.pass(FileDescriptor(rawValue: messages), as: output) }
        launch.pass(listener.descriptor, as: ShareServer.socket)
        do throws(Launch.Failure) { _ = try launch.spawn(by: Deadline(in: Self.patience)) } catch { throw error.errno }
    }
}
