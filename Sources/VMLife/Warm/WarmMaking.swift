import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Makes a warm image: boots the model without NICs, waits, halts it, and saves its machine and disks. The caller has taken the
/// image's lock.
struct WarmMaking {
    private let warming: Warming
    private let directory: WarmDirectory

    init(_ warming: Warming, _ directory: WarmDirectory) { (self.warming, self.directory) = (warming, directory) }

    /// How long QEMU may take to answer.
    private static let patience = Duration.seconds(10)
    /// What QEMU calls the file.
    private static let descriptor = "kvmctl-machine"

    /// Makes it.
    ///
    /// - Parameter found: what it depends on. If that changes meanwhile, the image would be of neither state.
    func make(_ found: WarmRecord) throws(VMError) {
        var before = found
        // A file's times advance by the kernel's ticks, of at most 10 ms: a write just after this one would not show.
        if before.newestChange > Moment.now.microseconds * 1000 - 20_000_000 {
            pause(.milliseconds(20))
            before = try warming.record(of: directory)
        }
        // It can't be used any more, and takes space.
        try directory.remove()
        try directory.beginHalf()
        do throws(VMError) {
            try boot()
            var record = try warming.record(of: directory)
            if let change = before.changes(to: record).first {
                throw VMError(
                    .busy, directory.name.description, "while the warm image was made, \(change)", remedy: "try again")
            }
            record.made = Int64(time(nil))
            try directory.complete(record)
        } catch {
            try? directory.removeHalf()
            throw error
        }
        // The image is there: that the cache is too large, or can't be looked at, is no reason to fail.
        try? WarmCache(warming.context.site).trim()
    }

    /// Boots the model in a VM of its own, which is gone after it.
    private func boot() throws(VMError) {
        let mark = try EphemeralMark.make(in: warming.context.site.paths)
        var vm = Machine(name: mark.name, file: "", site: warming.context.site)
        var failure: VMError?
        var isStarted = false
        do throws(VMError) {
            let file = try warming.model.file(named: mark.name, in: warming.context)
            vm = vm.at(file.params.file)
            let start = WarmStart(directory.name, in: directory.half, isMade: true)
            _ = try Starting.warm(file, of: vm, start, in: warming.context).start { _ in }
            isStarted = true
            try wait(for: vm)
            Settling(of: vm, by: warming.deadline) { warming.signals.isInterrupted }.wait()
            try refuseStopped(vm)
            let turns = AgentTurns(vm)
            do throws(VMError) { try rehearse(turns, of: vm) } catch {
                try refuseStopped(vm)
                throw error
            }
            try refuseStopped(vm)
            // The agent stays connected: without a client it would sleep when a copy goes on, for up to 100 ms.
            try save(vm, to: start.memory)
            turns.end()
            try refuseStopped(vm)
        } catch { failure = error }
        do throws(VMError) { if try vm.removeEphemeral() { mark.remove() } } catch { failure = failure ?? error }
        guard var failure = failure?.without(vm.name) else { return }
        // Its user knows the model alone.
        if failure.subject == vm.name.description { failure.subject = warming.model.called }
        failure.details.append("the warm image \(directory.name) was not made")
        if isStarted { failure.condition = .guestOfWarmImage }
        throw failure
    }

    /// Does what each copy begins with: the files that it needs are then in the guest's memory. The agent's connection is left
    /// open by the renewal, the last of it.
    private func rehearse(_ turns: AgentTurns, of vm: Machine) throws(VMError) {
        let nowhere = OutputStream { _ in }
        let command = try Executing(
            GuestCommand(["true"]), in: vm, input: nil, output: nowhere, errors: nowhere, file: nil, by: turns)
        _ = try command.run(timeout: Self.patience) { nil }
        do throws(GuestAgent.Failure) { _ = try turns.wait(for: try turns.beginRenewal()) } catch {
            throw error.error(of: vm.name)
        }
    }

    /// How long who stops it may take to end it.
    private static let stopPatience = Duration.seconds(120)

    /// Refuses a guest that a command has begun to stop: it would be about to shut down in each copy. A stop makes halted
    /// processors run, too, while they are saved.
    private func refuseStopped(_ vm: Machine) throws(VMError) {
        guard try vm.isBeingStopped() else { return }
        // Who stops it tells how it ended.
        let end = Deadline(in: min(Self.stopPatience, warming.deadline.remaining))
        while try vm.observe().isAlive, !end.hasPassed, !warming.signals.isInterrupted { pause(.milliseconds(50)) }
        throw VMError(.unavailable, vm.name.description, "it was stopped while the warm image was made")
    }

    /// How long nothing is said of a boot.
    private static let silence = Duration.seconds(60)

    private func wait(for vm: Machine) throws(VMError) {
        let silence = Deadline(in: min(Self.silence, warming.deadline.remaining / 4))
        var isTold = warming.tellsAtOnce
        var outcome = try vm.waiting(for: warming.wish.conditions).outcome(by: warming.deadline) {
            if !isTold, silence.hasPassed {
                isTold = true
                warming.tellOfBoot(for: directory)
            }
            return warming.signals.isInterrupted
        }
        // The VM is about to be removed: there is no picture, and nothing to be looked at.
        outcome.picture = nil
        if warming.signals.isInterrupted { throw VMError(.busy, vm.name.description, "interrupted") }
        guard var problem = outcome.problem else { return }
        problem.remedy = outcome.diagnosis?.remedy
        throw problem
    }

    /// Halts the machine, has QEMU write it to a file and close its disks, and end.
    private func save(_ vm: Machine, to path: FilePath) throws(VMError) {
        guard let holder = vm.observe().holder, let process = try vm.process(holder) else {
            throw VMError(.unavailable, vm.name.description, "its guest ended before it could be saved")
        }
        let memory: OwnedDescriptor
        do throws(Errno) {
            memory = try .open(path, .readWrite, flags: O_CREAT | O_EXCL | O_NOFOLLOW, permissions: 0o600)
        } catch { throw .system(error, path.string, "can't be made") }
        do throws(MonitorSession.Failure) {
            let deadline = Deadline(in: Self.patience)
            var session = try vm.monitor(peer: process.descriptor, by: deadline)
            try session.execute(.pause, by: deadline)
            try session.execute(.hurryMigrations, by: deadline)
            try session.execute(.keep(descriptor: Self.descriptor), passing: memory.rawValue, by: deadline)
            try session.execute(.migrate(to: Self.descriptor), by: deadline)
            try wait(for: memory, &session, path)
            try session.execute(.quit, by: Deadline(in: Self.patience))
        } catch .qemu(.closed) {
        } catch { throw error.error(of: vm.name) }
        guard process.waitForEnd(by: Deadline(in: .seconds(60))) else {
            throw VMError(.timedOut, vm.name.description, "its QEMU does not end")
        }
    }

    private func wait(
        for memory: borrowing OwnedDescriptor, _ session: inout MonitorSession, _ path: FilePath
    ) throws(MonitorSession.Failure) {
        var (last, stuck) = (Int64(0), Deadline(in: .seconds(60)))
        while true {
            let state = try session.execute(.migration, by: Deadline(in: Self.patience))
            if state.status == .completed { return }
            if state.status.isOver {
                let words = state.failure.map { ": \($0)" } ?? ""
                throw .ours(VMError(.cannotCreate, path.string, "QEMU could not write the machine there\(words)"))
            }
            let size = (try? memory.status().st_size).map { Int64($0) } ?? 0
            if size > last { (last, stuck) = (size, Deadline(in: .seconds(60))) }
            if stuck.hasPassed || warming.signals.isInterrupted {
                throw .ours(VMError(.busy, path.string, "QEMU does not complete it"))
            }
            pause(.milliseconds(20))
        }
    }
}
