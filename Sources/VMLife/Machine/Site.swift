import Glibc
import SystemPackage
import VMCore
import VMHost

/// What a caller's user and environment determine: where their VMs are, whose files they trust, and which other users'
/// VMs matter to them. Every VM comes from a site.
package struct Site: Sendable {
    /// Where the VMs' files are.
    package let paths: Paths
    /// What the caller's settings files say.
    package let settings: Settings
    /// Which other users may be running a VM that the caller is not running.
    let otherUsers: OtherUsers
    private let uid: UInt32
    private let environment: @Sendable (String) -> String?

    /// The site of this process's user and environment. It is determined once.
    ///
    /// - Throws: as `Paths.of` and `Settings.of`.
    package static var current: Site { get throws(VMError) { try ofThisProcess.get() } }

    private static let ofThisProcess = Result { () throws(VMError) in
        try Site(uid: geteuid()) { key in getenv(key).map { String(cString: $0) } }
    }

    /// Whether it goes on without settings files that can't be used. For commands that end VMs or tidy up: a typing error
    /// must not keep guests from being shut down with their host. They find what runs in any case.
    ///
    /// To be set before `current` is first used, by the main thread.
    nonisolated(unsafe) package static var toleratesSettings = false

    /// Whether the command has to do with VMs that run, so that a user needs a run-time directory. To be set as the above.
    nonisolated(unsafe) package static var needsRun = true

    /// Why the settings files can't be used, if that is tolerated.
    package let settingsFault: VMError?

    /// The site of a user with an environment.
    ///
    /// - Throws: as `Paths.of` and `Settings.of`.
    init(uid: UInt32, environment: @escaping @Sendable (String) -> String?) throws(VMError) {
        do throws(VMError) {
            (settings, settingsFault) = (try Settings.of(uid: uid, environment: environment), nil)
        } catch {
            guard Self.toleratesSettings else { throw error }
            (settings, settingsFault) = (Settings(), error)
        }
        paths = try Paths.of(uid: uid, environment: environment, settings: settings, needsRun: Self.needsRun)
        otherUsers = .of(uid: uid, environment: environment)
        (self.uid, self.environment) = (uid, environment)
    }

    /// The same caller, looking at another user's places.
    func looking(at place: Paths) -> Site { Site(self, at: place) }

    private init(_ site: Site, at place: Paths) {
        (paths, settings, settingsFault, otherUsers) = (place, site.settings, site.settingsFault, .none)
        (uid, environment) = (site.uid, site.environment)
    }

    /// Which users' files are trusted.
    ///
    /// - Parameter owner: whether a params file of another account may be used, with that account's rights.
    package func trust(owner: Bool = false) throws(VMError) -> FileTrust {
        try FileTrust.of(uid: uid, environment: environment, trustingOwner: owner)
    }

    /// Whether the caller is root.
    var isRoots: Bool { uid == 0 }

    /// Where a user's own configuration is.
    var userConfiguration: FilePath { UserConfiguration.directory(uid: uid, environment: environment) }

    /// What a unit needs in its environment to find the VMs that the caller finds.
    var environmentOfUnits: [(key: String, value: String)] {
        ["KVMCTL_VMS", "KVMCTL_RUN"].compactMap { key in
            environment(key).flatMap { $0.isEmpty ? nil : (key: key, value: $0) }
        }
    }

    /// Whether the environment names the roots, whatever the settings say.
    var environmentNamesRoots: Bool { environment("KVMCTL_VMS")?.isEmpty == false }

    /// Whether the environment names the directories of images, whatever the settings say.
    var environmentNamesImages: Bool { environment("KVMCTL_IMAGES")?.isEmpty == false }

    /// Refuses to change the host's network for a user who is not root.
    ///
    /// - Throws: `.denied` if the caller is not root.
    package func refuseUser(_ subject: String) throws(VMError) {
        guard uid != 0 else { return }
        throw VMError(
            .denied, subject, "only root can change the host's network", remedy: "run it as root, with sudo")
    }
}

extension Site {
    /// Every params file under the roots.
    func definitions() -> Definitions { Definitions(under: paths.roots) }

    /// The names of the VMs that were started since boot.
    ///
    /// - Throws: why they can't be listed.
    func startedNames() throws(VMError) -> [VMName] { try names(in: paths.machines) }

    /// The names of other VMs that may be running, if their run-time files were removed: VMs that have logs, or whose
    /// logs were removed too but are still being written.
    ///
    /// - Throws: why they can't be listed.
    func strayNames(besides started: [VMName]) throws(VMError) -> [VMName] {
        var known = Set(started.map(\.description))
        let logged = try names(in: paths.log).filter { known.insert($0.description).inserted }
        do throws(Errno) {
            return logged.sorted { $0.description < $1.description }
                + (try OrphanedQEMU.names(in: paths, besides: known))
        } catch { throw .system(error, "/proc", "can't tell which VMs are running") }
    }

    private func names(in directory: FilePath) throws(VMError) -> [VMName] {
        do throws(Errno) { return try (VMHost.names(in: directory) ?? []).compactMap { VMName($0) } } catch {
            throw .system(
                error, directory.string, "can't tell which VMs are running",
                remedy: error == .permissionDenied ? "run kvmctl as the user who runs them, or as root" : nil)
        }
    }

    /// The VMs that were started since boot, as they were started. Some of them may have ended.
    ///
    /// - Throws: why it can't be told what one of them uses.
    func everStarted() throws(VMError) -> [(vm: Machine, manifest: Manifest)] {
        var found: [(vm: Machine, manifest: Manifest)] = []
        for name in try startedNames() {
            let vm = Machine(name: name, file: "", site: self)
            if let manifest = try vm.manifest() { found.append((vm.at(manifest.file), manifest)) }
        }
        return found
    }

    /// Those of them that run.
    ///
    /// - Parameter matters: which of them are of interest; no others are looked at.
    func started(
        where matters: (VMName, Manifest) -> Bool = { _, _ in true }
    ) throws(VMError) -> [(vm: Machine, manifest: Manifest)] {
        var running: [(vm: Machine, manifest: Manifest)] = []
        for (vm, manifest) in try everStarted() where matters(vm.name, manifest) {
            if try vm.observe().isAlive { running.append((vm, manifest)) }
        }
        return running
    }
}
