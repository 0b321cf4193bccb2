import Glibc
import SystemPackage
import VMCore

/// Where the run-time files of one user's VMs are (DESIGN §2.2).
///
/// ```
/// RUN/vms/NAME/lock          the VM's life: QEMU holds its lock
///              process       QEMU's pid and start time
///              turns         which command's turn it is
///              manifest.json what the running VM is
///              qmp.sock serial.sock agent.sock
/// RUN/uids/UID               the uids in use: QEMU holds its lock
/// RUN/addresses              whose turn it is to claim MACs
/// RUN/network                whose turn it is to change the host's network
/// RUN/net/BRIDGE             what takes a change to the bridge back (ChangeJournal)
/// RUN/resources/NAME         what has to be removed when no VM holds it any more (HostResource)
/// RUN/turns/NAME             whose turn it is to change that
/// RUN/rules/TABLE            what makes a table of nftables again (RuleTable)
/// LOG/NAME/console.log       what the guest wrote to its serial console
///          qemu.log          what QEMU printed
///          record            what happened to the VM, as QEMU itself wrote it
/// CACHE/                     what probing found; may be deleted at any time
/// ```
package struct Paths: Equatable, Sendable {
    /// RUN.
    package var run: FilePath
    /// LOG, on a disk: a guest can write to its console without end, and RUN is memory.
    package var log: FilePath
    /// CACHE.
    package var cache: FilePath
    /// The directories that hold VMs, where names are looked up.
    package var roots: [FilePath]
    /// The root that `create` makes where it is missing: the caller's own by default. One that `KVMCTL_VMS` names may be
    /// a file system that is not mounted.
    package var ownRoot: FilePath?

    /// RUN/vms: a directory for each VM that was ever started.
    package var machines: FilePath { run.appending("vms") }
    /// RUN/uids: a file for each uid that was ever taken.
    package var uids: FilePath { run.appending("uids") }
    /// RUN/resources: a file for each thing on the host that lives as long as some VM holds it.
    package var resources: FilePath { run.appending("resources") }
    /// RUN/turns: a file for each thing on the host that is being made, changed or removed.
    package var turns: FilePath { run.appending("turns") }
    /// RUN/rules: a file for each table of nftables.
    package var rules: FilePath { run.appending("rules") }
    /// RUN/net: a file for each bridge that is being changed.
    package var networkChanges: FilePath { run.appending("net") }
    /// The VM's directory under RUN.
    package func machine(_ name: VMName) -> FilePath { machines.appending(name.description) }
    /// The VM's directory under LOG.
    package func logs(_ name: VMName) -> FilePath { log.appending(name.description) }
    /// The guest's serial console, as text.
    package func consoleLog(_ name: VMName) -> FilePath { logs(name).appending("console.log") }
    /// QEMU's messages.
    package func qemuLog(_ name: VMName) -> FilePath { logs(name).appending("qemu.log") }
    /// The flight record.
    package func record(_ name: VMName) -> FilePath { logs(name).appending("record") }

    /// Root's places, whoever asks.
    package static let system = Paths(
        run: "/run/kvmctl", log: "/var/log/kvmctl", cache: "/var/cache/kvmctl", roots: ["/vms"], ownRoot: "/vms")

    /// The places of a user: root's; else under the XDG directories. `KVMCTL_RUN` moves them all, `KVMCTL_VMS` says
    /// the roots, which else are `~/vms`, but for root, and `/vms`.
    ///
    /// - Throws: `.unavailable` where a user has no run-time directory, or /proc does not show processes; `.denied` for
    ///   root, where somebody else could change what `KVMCTL_RUN` or `KVMCTL_VMS` names.
    package static func of(uid: UInt32, environment: (String) -> String?) throws(VMError) -> Paths {
        try ProcessFileSystem.require()
        func path(_ key: String) -> FilePath? {
            environment(key).flatMap { $0.isEmpty ? nil : FilePath($0) }
        }
        var paths = system
        if let run = path("KVMCTL_RUN") {
            guard run.isAbsolute else {
                throw VMError(.usage, "KVMCTL_RUN", "\(run) is not an absolute path")
            }
            if uid == 0 { try Custody.refuseForeign(run, from: "KVMCTL_RUN") }
            paths = all(under: run, roots: system.roots)
            paths.ownRoot = system.ownRoot
        } else if uid != 0 {
            let home = path("HOME") ?? "/"
            paths.run = try userRunDirectory(path("XDG_RUNTIME_DIR"), uid: uid).appending("kvmctl")
            paths.log = (path("XDG_STATE_HOME") ?? home.appending(".local/state")).appending("kvmctl")
            paths.cache = (path("XDG_CACHE_HOME") ?? home.appending(".cache")).appending("kvmctl")
        }
        if uid != 0 {
            // Root's VMs can be looked at from there.
            paths.ownRoot = path("HOME")?.appending("vms")
            paths.roots = [paths.ownRoot].compactMap(\.self) + system.roots
        }
        if let roots = environment("KVMCTL_VMS") {
            paths.ownRoot = nil
            guard !roots.unicodeScalars.contains("\u{fffd}") else {
                throw VMError(.usage, "KVMCTL_VMS", "is not UTF-8, as kvmctl's paths have to be")
            }
            paths.roots = roots.split(separator: ":").map { absolutePath(String($0)) }
            if uid == 0 {
                for root in paths.roots { try Custody.refuseForeign(root, from: "KVMCTL_VMS", mayHoldOthers: true) }
            }
        }
        return paths
    }

    /// The run-time files of another user, where pam_systemd or the like makes a directory for them. Their logs are in their
    /// home, wherever that is.
    package static func ofUser(_ uid: UInt32) -> Paths { all(under: FilePath("/run/user/\(uid)/kvmctl"), roots: []) }

    private static func all(under run: FilePath, roots: [FilePath]) -> Paths {
        Paths(run: run, log: run.appending("log"), cache: run.appending("cache"), roots: roots)
    }

    private static func userRunDirectory(_ named: FilePath?, uid: UInt32) throws(VMError) -> FilePath {
        if let named { return named }
        // What pam_systemd makes, also where su or cron lost the variable.
        let usual = FilePath("/run/user/\(uid)")
        guard usual.withPlatformString({ access($0, W_OK) }) == 0 else {
            throw VMError(
                .unavailable, "XDG_RUNTIME_DIR", "is not set, and \(usual) is not there",
                remedy: "log in through a session manager, or set KVMCTL_RUN to a directory of your own")
        }
        return usual
    }
}
