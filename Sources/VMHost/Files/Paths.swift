import Glibc
import SystemPackage
import VMCore

/// Where one user's VMs have their run-time files, logs, cache and params files.
///
/// ```
/// RUN/vms/NAME/lock          the VM's life: QEMU holds its lock
///              process       QEMU's pid and start time
///              locks         locked by the command that changes the VM or talks to it
///              manifest.json a description of the running VM
///              qmp.sock serial.sock agent.sock
/// RUN/uids/UID               the uids in use: QEMU holds its lock
/// RUN/ephemeral/NAME         locked by the `kvmctl run` whose VM that is
/// RUN/addresses              locked by the start that claims MACs
/// RUN/adoptions              locked by the command that adopts a process
/// RUN/files                  locked by the command that replaces a params file
/// RUN/network                locked by the command that changes the host's network
/// RUN/net/BRIDGE             how to roll back a change to the bridge (ChangeJournal)
/// RUN/resources/NAME         what to remove when no VM holds it any longer (HostResource)
/// RUN/locks/NAME             the lock of who changes that resource
/// RUN/rules/TABLE            the script that makes an nftables table (RuleTable)
/// LOG/NAME/console.log       the guest's output on its serial console
///          firmware.log      what its firmware wrote on its debug port
///          qemu.log          QEMU's messages
///          record            the VM's events, written by QEMU itself
///          history           what commands did, and events of earlier runs, written by kvmctl
///          arguments         QEMU's command line
///          crash-TIME        what is known of the crash of the run that began then (CrashRecord)
/// CACHE/                     results of probing; may be deleted at any time
/// CACHE/warm/NAME/           a warm image (WarmImage)
/// DATA/places                where VMs are that the usual roots do not show (NotedPlaces)
/// ```
package struct Paths: Equatable, Sendable {
    /// RUN.
    package var run: FilePath
    /// LOG, on a disk: a guest can write to its console without end, and RUN is in memory.
    package var log: FilePath
    /// CACHE.
    package var cache: FilePath
    /// DATA: what is kept for good.
    package var data: FilePath = "/var/lib/kvmctl"
    /// The directories where VMs are looked up by name.
    package var roots: [FilePath]
    /// The directories of images that have names; the first one that the caller may write to takes new ones.
    package var images: [FilePath] = ["/var/lib/kvmctl/images"]
    /// The root that `create` makes if it is missing: the caller's default one. nil if the roots were named: such a
    /// directory may be missing because its file system is not mounted.
    package var ownRoot: FilePath?
    /// The roots that a command has if none are named.
    package var usualRoots: [FilePath] = []
    /// Whether the roots were named, in the environment or the settings.
    package var namesRoots = false

    /// RUN/vms: a directory for each VM that was ever started.
    package var machines: FilePath { run.appending("vms") }
    /// RUN/uids: a file for each uid that was ever taken.
    package var uids: FilePath { run.appending("uids") }
    /// RUN/ephemeral: a file for each VM that exists for one run.
    package var ephemeral: FilePath { run.appending("ephemeral") }
    /// CACHE/warm: a directory for each warm image.
    package var warm: FilePath { cache.appending("warm") }
    /// RUN/resources: a file for each thing on the host that lives as long as some VM holds it.
    package var resources: FilePath { run.appending("resources") }
    /// RUN/locks: a file for each thing on the host that is being made, changed or removed.
    package var locks: FilePath { run.appending("locks") }
    /// RUN/rules: a file for each table of nftables.
    package var rules: FilePath { run.appending("rules") }
    /// RUN/net: a file for each bridge that is being changed.
    package var networkChanges: FilePath { run.appending("net") }
    /// DATA/places.
    package var notes: FilePath { data.appending("places") }
    /// The VM's directory under RUN.
    package func machine(_ name: VMName) -> FilePath { machines.appending(name.description) }
    /// The VM's directory under LOG.
    package func logs(_ name: VMName) -> FilePath { log.appending(name.description) }
    /// The guest's serial console, as text.
    package func consoleLog(_ name: VMName) -> FilePath { logs(name).appending("console.log") }
    /// What the firmware writes on its debug port.
    package func firmwareLog(_ name: VMName) -> FilePath { logs(name).appending("firmware.log") }
    /// QEMU's messages.
    package func qemuLog(_ name: VMName) -> FilePath { logs(name).appending("qemu.log") }
    /// The flight record.
    package func record(_ name: VMName) -> FilePath { logs(name).appending("record") }

    /// What commands did to the VM, and the newest events of its earlier runs.
    package func history(_ name: VMName) -> FilePath { logs(name).appending("history") }
    /// The command line of QEMU's last run.
    package func arguments(_ name: VMName) -> FilePath { logs(name).appending("arguments") }

    /// Root's paths, also for a user who looks at root's VMs.
    package static let system = Paths(
        run: "/run/kvmctl", log: "/var/log/kvmctl", cache: "/var/cache/kvmctl", roots: ["/vms"], ownRoot: "/vms")

    /// The paths for a user: the system's for root, the XDG directories for others. `KVMCTL_RUN` moves all of them.
    /// `KVMCTL_IMAGES`, or else `IMAGES` of the settings, names the directories of images. `KVMCTL_VMS` sets the roots, or else `VMS` of the settings; the default is `/vms` for root, `~/vms` and `/vms` for
    /// others.
    ///
    /// - Throws: `.unavailable` if a user has no run-time directory, or if /proc does not show processes; `.denied` for
    ///   root if another user could change a directory that `KVMCTL_RUN` or `KVMCTL_VMS` names.
    /// - Parameter needsRun: whether the command has to do with VMs that run; no other needs a run-time directory.
    package static func of(
        uid: UInt32, environment: (String) -> String?, settings: Settings = Settings(), needsRun: Bool = true
    ) throws(VMError) -> Paths {
        try ProcessFileSystem.require()
        func path(_ key: String) -> FilePath? {
            environment(key).flatMap { $0.isEmpty ? nil : FilePath($0) }
        }
        var paths = system
        if let run = path("KVMCTL_RUN") {
            guard run.isAbsolute else {
                throw VMError(.usage, "KVMCTL_RUN", "\(run) is not an absolute path")
            }
            if uid == 0 { try RunFileOwnership.refuseForeign(run, from: "KVMCTL_RUN") }
            paths = all(under: run, roots: system.roots)
            paths.ownRoot = system.ownRoot
        } else if uid != 0 {
            let home = path("HOME") ?? "/"
            paths.run = try userRunDirectory(path("XDG_RUNTIME_DIR"), uid: uid, isNeeded: needsRun).appending("kvmctl")
            paths.log = (path("XDG_STATE_HOME") ?? home.appending(".local/state")).appending("kvmctl")
            paths.cache = (path("XDG_CACHE_HOME") ?? home.appending(".cache")).appending("kvmctl")
            paths.data = (path("XDG_DATA_HOME") ?? home.appending(".local/share")).appending("kvmctl")
        }
        if uid != 0 {
            // With the system's roots too, so that root's VMs can be looked at.
            paths.ownRoot = path("HOME")?.appending("vms")
            paths.roots = [paths.ownRoot].compactMap(\.self) + system.roots
            let data = path("XDG_DATA_HOME") ?? path("HOME")?.appending(".local/share")
            paths.images = [data?.appending("kvmctl/images")].compactMap(\.self) + system.images
        }
        paths.usualRoots = paths.roots
        if let images = settings.images {
            // As for the roots, below.
            let isHosts = uid != 0 && settings.line(of: .images)?.file == SettingsFile.system
            paths.images = (isHosts ? Array(paths.images.prefix(1)) : []) + images
        }
        if let images = environment("KVMCTL_IMAGES"), !images.isEmpty {
            paths.images = try directories(images, of: "KVMCTL_IMAGES")
        }
        // Only who may change root's settings can choose these.
        if let roots = settings.roots {
            // What the host's file says is for everybody; only a user's own can take their own root away.
            let own = uid != 0 && settings.line(of: .roots)?.file == SettingsFile.system ? paths.ownRoot : nil
            paths.name([own].compactMap(\.self) + roots)
            paths.ownRoot = own
        }
        // Empty is as good as unset, as for the variables of XDG.
        if let roots = environment("KVMCTL_VMS"), !roots.isEmpty {
            paths.name(try directories(roots, of: "KVMCTL_VMS"))
            if uid == 0 {
                for root in paths.roots {
                    try RunFileOwnership.refuseForeign(root, from: "KVMCTL_VMS", mayHoldOthers: true)
                }
            }
        }
        return paths
    }

    /// A relative one would be another in each directory that a command is given in.
    private static func directories(_ list: String, of variable: String) throws(VMError) -> [FilePath] {
        guard !list.unicodeScalars.contains("\u{fffd}") else {
            throw VMError(.usage, variable, "is not UTF-8, which kvmctl needs for its paths")
        }
        let paths = list.split(separator: ":").map { FilePath(String($0)) }
        if let relative = paths.first(where: { !$0.isAbsolute }) {
            throw VMError(.usage, variable, "\(Printable.quoted(relative.string)) is not an absolute path")
        }
        return paths.map { $0.lexicallyNormalized() }
    }

    private mutating func name(_ roots: [FilePath]) { (self.roots, ownRoot, namesRoots) = (roots, nil, true) }

    /// The run-time files of another user, in the directory that pam_systemd makes for them. Their logs are in their
    /// home directory, wherever that is.
    package static func ofUser(_ uid: UInt32) -> Paths { all(under: FilePath("/run/user/\(uid)/kvmctl"), roots: []) }

    private static func all(under run: FilePath, roots: [FilePath]) -> Paths {
        Paths(
            run: run, log: run.appending("log"), cache: run.appending("cache"), data: run.appending("data"),
            roots: roots)
    }

    private static func userRunDirectory(
        _ named: FilePath?, uid: UInt32, isNeeded: Bool
    ) throws(VMError) -> FilePath {
        if let named { return named }
        // pam_systemd's directory, also if su or cron dropped the variable.
        let usual = FilePath("/run/user/\(uid)")
        guard !isNeeded || usual.withPlatformString({ access($0, W_OK) }) == 0 else {
            throw VMError(
                .unavailable, "XDG_RUNTIME_DIR", "is not set, and \(usual) does not exist or is not writable",
                remedy: "log in through a session manager, or set KVMCTL_RUN to a directory that you own")
        }
        return usual
    }
}

extension Paths {
    /// Makes RUN, if it is not there: a command may be the first one since the host was booted.
    package func makeRun() throws(VMError) {
        do throws(Errno) { try makeDirectories(run, permissions: 0o750, group: Accounts.lookers) } catch {
            throw .system(error, run.string, "can't be made")
        }
    }
}
