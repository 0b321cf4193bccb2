import Glibc
import SystemPackage
import VMCore

extension Bridges {
    /// Does something to the host's network while no other command does: what was found is then what is changed. A user,
    /// who can change nothing, needs no turn.
    ///
    /// - Throws: `.busy` if another command keeps at it, as one does whose change is on trial; what `body` throws.
    package static func inTurn(_ paths: Paths, _ body: () throws -> Void) throws {
        guard geteuid() == 0 else { return try body() }
        let path = paths.run.appending("network")
        try makePrivateDirectory(paths.networkChanges, below: paths.run)
        let file = try ByteLockFile.make(path, permissions: 0o600)
        guard try file.take(0, of: path, by: Deadline(in: .seconds(5))) else {
            throw VMError(
                .busy, "network", "another command is changing it, or has a change on trial",
                remedy: "\(command: "kvmctl net confirm") keeps what is on trial; else wait for its end")
        }
        defer { extendLifetime(file) }
        try body()
    }
}
