import Glibc
import SystemPackage
import VMCore
import VMHost

/// Claims names and addresses for VMs that start, one after the other on the whole host.
///
/// RUN/addresses is locked meanwhile, and holds how many claims there were: a command that starts many VMs looks at those
/// that others have only where another command has claimed some since.
final class AddressClaims {
    private var known: (count: UInt64, holders: Neighbourhood)?

    /// Writes down what a VM is, unless another that runs has one of its addresses.
    ///
    /// - Throws: `.busy` with who has it.
    func claim(_ plan: LaunchPlan, _ manifest: Manifest, in directory: RuntimeDirectory, _ paths: Paths) throws(VMError)
    {
        let file = paths.run.appending("addresses")
        let host = try ByteLockFile.make(file, permissions: 0o600)
        // A turn is short, but dozens may be before this one, on a host that is busy with their machines.
        guard try host.take(0, of: file, by: Deadline(in: .seconds(60))) else {
            throw VMError(
                .busy, file.string, "is locked by another process", remedy: "\(command: "lslocks") says which")
        }
        defer { host.giveBack(0) }
        guard plan.summary.nics.contains(where: { $0.network != .user }) else {
            return try manifest.write(to: directory)
        }
        let count: UInt64
        do throws(Errno) { count = try Self.count(in: host) } catch {
            throw .system(error, file.string, "can't be used")
        }
        if known?.count != count { known = (count, Neighbourhood(try NeighbourSurvey(paths).everStarted())) }
        do throws(Errno) { try Self.write(count &+ 1, to: host) } catch {
            throw .system(error, file.string, "can't be used")
        }
        try refuseTaken(plan, paths)
        try manifest.write(to: directory)
        known?.count &+= 1
        known?.holders.add(Neighbour(manifest, plan.name))
    }

    private func refuseTaken(_ plan: LaunchPlan, _ paths: Paths) throws(VMError) {
        let claims = [Claim.name(plan.name)] + plan.summary.nics.filter { $0.network != .user }.map(\.address.station)
        let isWanted = claims.contains { claim in
            known?.holders.holders(of: claim).contains { $0.file != plan.file } ?? true
        }
        guard isWanted else { return }
        // Some of them have ended since.
        for rival in try NeighbourSurvey(paths).running(where: { !plan.conflicts(with: $0).isEmpty }) {
            // The name is this one's by its lock; the manifest there is still that of the last VM of the name.
            if rival.name == plan.name { continue }
            if let conflict = plan.conflicts(with: rival).first { throw conflict }
        }
    }

    private static func count(in file: borrowing ByteLockFile) throws(Errno) -> UInt64 {
        let digits = try readBytes(of: file.descriptor.rawValue, at: 0, count: 32).prefix { $0 != UInt8(ascii: "\n") }
        return UInt64(String(decoding: digits, as: UTF8.self)) ?? 0
    }

    private static func write(_ count: UInt64, to file: borrowing ByteLockFile) throws(Errno) {
        let line = Array("\(count)\n".utf8)
        guard pwrite(file.descriptor.rawValue, line, line.count, 0) == line.count else { throw Errno(rawValue: errno) }
    }
}
