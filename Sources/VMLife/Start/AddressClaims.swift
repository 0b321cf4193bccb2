import Glibc
import SystemPackage
import VMCore
import VMHost

/// Claims the names and addresses of starting VMs, one VM at a time on the whole host.
///
/// RUN/addresses is locked during a claim and holds a count of claims. A command that starts many VMs rereads what
/// other VMs have only if that count shows that another command has made a claim since.
final class AddressClaims {
    private var known: (count: UInt64, holders: OtherVMs)?

    /// Writes the VM's manifest, unless a running VM has its name or one of its addresses.
    ///
    /// - Throws: `.busy`, naming that VM.
    func claim(_ plan: LaunchPlan, _ manifest: Manifest, for vm: Machine) throws(VMError) {
        let file = vm.paths.run.appending("addresses")
        let host = try ByteLockFile.make(file, permissions: 0o600)
        // A claim takes little time, but on a busy host dozens of starts may be queued before this one.
        guard try host.take(0, of: file, by: Deadline(in: .seconds(60))) else {
            throw VMError(
                .busy, file.string, "is locked by another process", remedy: "\(command: "lslocks") says which")
        }
        defer { host.giveBack(0) }
        guard !plan.sharedAddresses.isEmpty else {
            return try manifest.write(to: vm.directory)
        }
        let count: UInt64
        do throws(Errno) { count = try Self.count(in: host) } catch {
            throw .system(error, file.string, "can't be used")
        }
        if known?.count != count {
            known = (count, OtherVMs(try vm.site.everStarted().map { OtherVM($0.manifest, $0.vm.name) }))
        }
        do throws(Errno) { try Self.write(count &+ 1, to: host) } catch {
            throw .system(error, file.string, "can't be used")
        }
        try refuseTaken(plan, vm.site)
        try manifest.write(to: vm.directory)
        known?.count &+= 1
        known?.holders.add(OtherVM(manifest, plan.name))
    }

    private func refuseTaken(_ plan: LaunchPlan, _ site: Site) throws(VMError) {
        let claims = [Claim.name(plan.name)] + plan.sharedAddresses.map(\.address.station)
        let isWanted = claims.contains { claim in
            known?.holders.holders(of: claim).contains { $0.name != plan.name } ?? true
        }
        guard isWanted else { return }
        // Some of those VMs may have ended since.
        for rival in try site.otherRunningVMs(where: { !plan.conflicts(with: $0).isEmpty }) {
            // This start holds the lock of its name; the manifest there is left over from the last VM of that name.
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
