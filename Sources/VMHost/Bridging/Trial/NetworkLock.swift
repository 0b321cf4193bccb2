import Glibc
import SystemPackage
import VMCore

extension Bridges {
    /// Runs `body` while no other command changes the host's network, so that nothing changes between looking and
    /// acting. A user, who can change nothing, needs no turn.
    ///
    /// - Throws: `.busy` if another command keeps the turn, as during a trial; the error of `body`.
    package static func withNetworkLocked(_ paths: Paths, _ body: () throws -> Void) throws {
        guard geteuid() == 0 else { return try body() }
        let path = paths.run.appending("network")
        try makePrivateDirectory(paths.networkChanges, below: paths.run)
        let file = try ByteLockFile.make(path, permissions: 0o600)
        guard try file.take(0, of: path, by: Deadline(in: .seconds(5))) else {
            throw VMError(
                .busy, "network", "another command is changing it or has a change on trial",
                remedy: "\(command: "kvmctl net confirm") keeps a change on trial; otherwise wait until it ends")
        }
        defer { extendLifetime(file) }
        try body()
    }
}
