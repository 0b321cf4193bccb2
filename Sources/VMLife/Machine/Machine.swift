import SystemPackage
import VMCore
import VMHost

/// The handle on a VM: its name, its params file, and the site that it belongs to. Whatever a command does to a VM
/// begins here.
package struct Machine: Sendable {
    /// Its name.
    package let name: VMName
    /// Its params file, absolute; empty if it is not known, as for a running VM whose manifest is gone.
    package let file: FilePath
    /// Where its run-time files are.
    let site: Site

    var paths: Paths { site.paths }

    /// Its directory of run-time files.
    var directory: RuntimeDirectory { RuntimeDirectory(name, in: paths) }

    /// The same name, with this params file.
    func at(_ file: FilePath) -> Machine { Machine(name: name, file: file, site: site) }

    /// The same VM, looked for in another user's places.
    func looking(at place: Paths) -> Machine { Machine(name: name, file: file, site: site.looking(at: place)) }

    /// The paths of its disks; none if its params file can't be read.
    func disks() -> [FilePath] { (try? VMFile.glance(at: file))?.disks.map(\.path.value) ?? [] }
}

// What runs, or ran last, under its name.
extension Machine {
    /// The description of the VM that runs under this name, or ran last; nil if there is none.
    ///
    /// - Throws: why it can't be read.
    func manifest() throws(VMError) -> Manifest? { try Manifest.read(directory) }

    /// Whether there is one that says nothing.
    var isManifestDamaged: Bool {
        get throws(VMError) {
            guard try manifest() == nil else { return false }
            do throws(Errno) { return try isThere(directory.manifestFile) } catch {
                throw .system(error, directory.manifestFile.string, "can't be looked at")
            }
        }
    }

    /// Whether the VM that runs under this name was started from this file.
    var runsFromFile: Bool {
        get throws(VMError) {
            // Without a manifest nothing says otherwise.
            guard let manifest = try manifest() else { return true }
            return try manifest.isOf(file)
        }
    }

    /// The params file of another VM, if that was the last to run under this name and the file still exists; else nil.
    func lastOther() throws(VMError) -> FilePath? {
        guard let manifest = try manifest(), try !manifest.isOf(file) else { return nil }
        do throws(Errno) { return try isThere(manifest.file) ? manifest.file : nil } catch {
            throw .system(error, manifest.file.string, "can't tell whether it exists")
        }
    }
}

// What needs a running VM.
extension Machine {
    /// The VM, as it runs.
    ///
    /// - Parameter loss: what a VM that does not run lacks, such as `it has no console`.
    /// - Throws: `.busy` if it is not running; why that can't be told.
    @discardableResult
    func running(or loss: String) throws(VMError) -> Observation {
        let seen = observe()
        guard try seen.isAlive, try runsFromFile else { throw notRunning(so: loss) }
        return seen
    }

    /// The refusal of a VM that is not running.
    func notRunning(so loss: String) -> VMError {
        if !file.isEmpty, (try? isSuspended()) == true {
            return VMError(
                .busy, name.description, "it is suspended, to a file, so \(loss)",
                remedy: .run("start it: it goes on where it was", "kvmctl start \(file)"))
        }
        return VMError(
            .busy, name.description, "it is not running, so \(loss)",
            remedy: file.isEmpty ? "start it first" : .run("start it", "kvmctl start \(file)"),
            details: observe().state == .crashed
                ? ["its last run crashed: \(command: "kvmctl history \(name)") tells of it"] : [])
    }

    /// The running VM's manifest.
    ///
    /// - Parameters:
    ///   - loss: what a VM that does not run lacks.
    ///   - details: what the manifest would tell, such as `its display is`.
    /// - Throws: `.busy` if it is not running, or not yet.
    func runningManifest(or loss: String, telling details: String) throws(VMError) -> Manifest {
        let seen = try running(or: loss)
        if let manifest = try manifest() { return manifest }
        guard seen.state == .starting else { throw .withoutRuntimeFiles(name, "\(details) not known") }
        throw VMError(.busy, name.description, "it is still starting", remedy: "try again in a moment")
    }

    /// A session on its monitor, which no other command can use until the session ends.
    ///
    /// - Parameter peer: a pidfd of QEMU that stays open as long as the session; -1: not known.
    func monitor(peer: CInt = -1, by deadline: Deadline) throws(MonitorSession.Failure) -> MonitorSession {
        try .open(directory, peer: peer, by: deadline)
    }

    /// A conversation with its guest agent, which no other command can use until it ends.
    func agent(by deadline: Deadline) throws(GuestAgent.Failure) -> GuestAgent {
        try .open(directory, by: deadline)
    }
}

// What commands do to it.
extension Machine {
    /// A start of it, to be planned. Nothing is done yet.
    ///
    /// - Parameter context: the host and the other VMs that it is planned against, shared by all starts of a command.
    /// - Throws: why its params file can't be used.
    package func starting(
        _ options: StartOptions = StartOptions(), in context: PlanningContext, stopwatch: Stopwatch = Stopwatch()
    ) throws(VMError) -> Starting {
        let file = try context.file(of: self)
        stopwatch.lap(.parse)
        return Starting(file, of: self, options: options, in: context, stopwatch: stopwatch)
    }

    /// A stop of it. Nothing is done yet.
    ///
    /// - Parameter timeout: how long the guest may take to shut itself down; zero: it is not asked.
    package func stopping(timeout: Duration) -> Stopping { Stopping(self, timeout: timeout) }

    /// Its removal. Nothing is done yet.
    package func removing(disks: Bool, in context: PlanningContext) throws(VMError) -> Removing {
        try Removing(self, disks: disks, in: context)
    }

    /// How to reach its screen.
    package func screen() throws(VMError) -> ScreenAccess { try ScreenAccess(self) }

    /// The connection to its serial console; nil if another client has it.
    package func console() throws(VMError) -> ConsoleRelay? { try ConsoleRelay.connect(self) }

    /// A search for its guest's addresses, which listens from now on.
    package func addressSearch(_ wish: AddressFilter) throws(VMError) -> AddressSearch {
        try AddressSearch(self, wish: wish)
    }

    /// A log of its last run, or of the one before.
    ///
    /// - Throws: `.denied` if another user runs the VM, whose logs may be anywhere.
    package func log(_ kind: LogKind, previous: Bool, lastLines: Int?) throws(VMError) -> LogReader {
        try LogReader(kind, of: seenWhereItRuns(), previous: previous, lastLines: lastLines)
    }
}
