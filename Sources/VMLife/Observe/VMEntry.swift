import BridgeNet
import SystemPackage
import VMCore
import VMHost

/// A VM as `list` and `show` see it.
package struct VMEntry: Sendable {
    /// Its name.
    package var name: String
    /// What it is doing.
    package var state: VMState
    /// Its params file, absolute; empty for a running VM whose manifest is gone.
    package var file: FilePath
    /// Why that file can't be used; nil if it can.
    package var fault: String?
    /// What it is: as it runs, else as its file defines it; nil if neither can be read.
    package var vm: VMDescription?
    /// QEMU's process, while there is one.
    package var process: ProcessIdentity?
    /// When that started, by the host's clock.
    package var startedAt: Moment?
    /// Why QEMU itself paused it; nil if it did not.
    package var pauseReason: PauseReason?
    /// Why the last run ended, in QEMU's term (qapi/run-state.json, ShutdownCause).
    package var endReason: String?
    /// The name that its file gives it by now, if that is another: it counts from the next start.
    package var nextName: VMName?
    /// Its guest's addresses, as far as this host remembers them, the best first; filled in by `learnAddresses`.
    package var addresses: [GuestAddress] = []
    /// Whether it starts with the host, as a unit; nil if that is not known. Filled in by `learnEnabled`.
    package var isEnabled: Bool?
    /// The keys of which its file says by now something else than it runs with; nil if that is not known.
    package var pending: [KeyName]? = []
    /// Where its run-time files are: in the caller's own places, or another user's.
    package var place: Paths
    /// What is known of its last crash, in a file; only `show` looks for it.
    package var crashRecord: FilePath?
    /// Why it crashed, as far as its console tells, if that was how its last run ended; likewise.
    package var lastWords: Diagnosis?
    /// What could not be read: why its state is `unknown`, or why details are missing.
    package var obstacle: VMError?
    /// Whether it still runs although its run-time files were removed: it can only be ended, no longer asked.
    package var isStray = false
    /// Whether its QEMU may be asked for its state.
    var isAsked = true
}

extension VMEntry {
    /// A VM that runs, or ran last.
    init(_ manifest: Manifest, _ seen: Observation, in place: Paths) {
        self.init(name: manifest.name.description, state: seen.state, file: manifest.file, place: place)
        vm = manifest.vm
        do throws(VMError) { vm?.vnc = try manifest.display(in: place) } catch { obstacle = error }
        if !seen.state.isAlive { vm?.hasEnded() }
        add(seen)
    }

    /// Compares what it runs with to what its file says by now.
    ///
    /// - Parameter params: the file's content; nil: it can't be used.
    mutating func compare(with params: VMParams?) {
        guard state.isAlive else { return }
        guard let given = vm?.given, let params else {
            pending = nil
            return
        }
        // Nearly always nothing has changed.
        guard params.given.text != given else { return }
        pending = params.given.differences(from: GivenKeys(in: given), in: file).map(\.key)
    }

    init(file: FilePath, name: VMName?, params: VMParams?, in place: Paths) {
        self.init(name: name?.description ?? file.string, state: .stopped, file: file, place: place)
        vm = params.map { VMDescription($0) }
    }

    /// A VM that runs, or may run, and of which only the name is known.
    init(_ name: VMName, _ seen: Observation, in place: Paths) {
        self.init(name: name.description, state: seen.state, file: "", place: place)
        add(seen)
    }

    init(name: String, state: VMState, file: FilePath, place: Paths) {
        self.name = name
        self.state = state
        self.file = file
        self.place = place
    }

    mutating func add(_ seen: Observation) {
        state = seen.state
        process = seen.state.isAlive ? seen.holder : nil
        startedAt = process?.startedAt
        endReason = seen.endReason
        pauseReason = seen.diskFailure
        obstacle = seen.obstacle ?? obstacle
        isStray = seen.isStray
    }
}
