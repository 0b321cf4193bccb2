import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Has QEMU write a machine to a file, and marks the VM as suspended. If that fails, the guest goes on as before and
/// nothing is left behind.
struct StateWriter {
    private let vm: Machine
    private let files: StateFiles

    init(_ vm: Machine, _ files: StateFiles) { (self.vm, self.files) = (vm, files) }

    /// How long the file may stay as it is before the writing counts as stuck.
    private static let patience = Duration.seconds(60)
    /// How often QEMU is asked: its events may be lost in a flood of others.
    private static let interval = Duration.milliseconds(500)
    /// What QEMU calls the file.
    private static let descriptor = "kvmctl-state"

    /// Writes the state of a machine.
    ///
    /// - Returns: how many bytes it took.
    func write(_ machine: GuestMachine) throws(VMError) -> ByteCount {
        let trust = try vm.ownersTrust()
        let memory = try newFile(files.memory, trust) { _ in }
        var ran = true
        do throws(VMError) {
            var watch = try EventWatch(vm, or: "there is nothing to suspend")
            try begin(memory, didRun: &ran)
            try wait(&watch, for: memory)
            return try complete(memory, machine, trust)
        } catch {
            memory.remove()
            throw goOn(after: error, running: ran)
        }
    }

    private func newFile(
        _ path: FilePath, _ trust: FileTrust, fill: (borrowing OwnedDescriptor) throws(Errno) -> Void
    ) throws(VMError) -> NewFile {
        do throws(PathWalk.Failure) {
            let place = try trust.find(path)
            do throws(Errno) { return try NewFile(at: place, permissions: 0o600, fill: fill) } catch {
                throw .system(error, path)
            }
        } catch {
            switch error {
            case .system(let errno, _): throw .system(errno, path.string, "can't save the VM's state there")
            case .distrusted(let distrust): throw distrust.refusal(toMake: path)
            }
        }
    }

    /// Halts the processors, and has QEMU begin. What it writes grows no more while nothing runs.
    ///
    /// - Parameter ran: set to whether they were running.
    private func begin(_ memory: NewFile, didRun ran: inout Bool) throws(VMError) {
        do throws(MonitorSession.Failure) {
            let deadline = Deadline(in: Suspending.monitorPatience)
            var session = try vm.monitor(by: deadline)
            try session.callOffMigration(by: deadline)
            let state = try session.execute(.status, by: deadline)
            ran = state.vmState == .running
            // QEMU saves a machine once: this one has to be its own again. No guest runs in between but for an instant.
            if state.isSaved { try session.execute(.resume, by: deadline) }
            try session.execute(.pause, by: deadline)
            try session.execute(.reportMigrations, by: deadline)
            try session.execute(.hurryMigrations, by: deadline)
            try session.execute(.keep(descriptor: Self.descriptor), passing: memory.descriptor.rawValue, by: deadline)
            try session.execute(.migrate(to: Self.descriptor), by: deadline)
        } catch { throw error.error(of: vm.name) }
    }

    /// Waits until everything is written, however long that takes, as long as it goes on.
    private func wait(_ watch: inout EventWatch, for memory: NewFile) throws(VMError) {
        var (last, stuck) = (memory.size, Deadline(in: Self.patience))
        while true {
            guard Interruption.signal == nil else {
                throw VMError(.busy, vm.name.description, "its suspend was interrupted")
            }
            let end = try watch.wait(by: Deadline(in: Self.interval)) { event -> Migration.Status? in
                if case .migration(let status) = event, status.isOver { status } else { nil }
            }
            if end == .ended {
                throw VMError(.unavailable, vm.name.description, "QEMU ended while it saved its state")
            }
            // The event may be of an earlier migration, which was called off: QEMU knows how this one is.
            let status = try vm.ask(.migration, by: Deadline(in: Suspending.monitorPatience)).status
            if status == .completed { return }
            if status.isOver { throw failure("QEMU could not write it", memory) }
            if memory.size > last { (last, stuck) = (memory.size, Deadline(in: Self.patience)) }
            if stuck.hasPassed {
                throw failure("nothing was written for \(Self.patience.components.seconds) s", memory)
            }
        }
    }

    private func failure(_ cause: String, _ memory: NewFile) -> VMError {
        let words = try? vm.ask(.migration, by: Deadline(in: Suspending.monitorPatience)).failure
        let directory = files.memory.removingLastComponent()
        // QEMU does not say why a file could not be written.
        if let space = FileSystemSpace(at: directory), space.free < ByteCount(bytes: 1 << 20) {
            return VMError(failed: .noSpace, files.memory.string, "can't save the VM's state")
        }
        return VMError(
            .unavailable, files.memory.string, "can't save the VM's state: \(words ?? cause)",
            remedy: "\(command: "kvmctl logs --qemu \(vm.name)") may say why")
    }

    /// Puts the files in place, the memory first, once all of it survives a power cut. The last step is that the VM is
    /// suspended.
    private func complete(
        _ memory: NewFile, _ machine: GuestMachine, _ trust: FileTrust
    ) throws(VMError) -> ByteCount {
        // Its file may have been written a moment ago, and the state fits no other.
        _ = try MediumStamp(of: vm.file, trust, lasting: true)
        var stamps: [String: MediumStamp] = [:]
        for medium in machine.media {
            stamps[medium.name] = try MediumStamp(of: medium.path, trust, lasting: true)
        }
        let stamp: MediumStamp
        do throws(Errno) {
            try memory.sync()
            try memory.putInPlace()
            stamp = try memory.stamp()
        } catch { throw .system(error, files.memory.string, "can't save the VM's state") }
        let saved = SavedMachine(
            machine, time: Int64(time(nil)), memory: stamp,
            processor: machine.accelerator == "kvm" ? .ofThisHost() : nil, stamps: stamps,
            file: vm.file)
        var mark: NewFile?
        mark = try newFile(files.mark, trust) { file throws(Errno) in
            try writeAll(Array(saved.text.utf8), to: file.descriptor)
        }
        do throws(Errno) {
            try mark?.sync()
            try mark?.putInPlace()
            try mark?.syncName()
        } catch {
            mark?.remove()
            throw .system(error, files.mark.string, "can't save the VM's state")
        }
        return ByteCount(bytes: stamp.size)
    }

    /// Lets the guest go on.
    ///
    /// - Returns: the failure, and what became of the guest.
    private func goOn(after failure: VMError, running: Bool) -> VMError {
        var failure = failure
        do throws(MonitorSession.Failure) {
            let deadline = Deadline(in: Suspending.monitorPatience)
            var session = try vm.monitor(by: deadline)
            try session.callOffMigration(by: deadline)
            if running { try session.execute(.resume, by: deadline) }
            failure.details.append(running ? "the guest runs on" : "the guest is paused, as it was")
        } catch {
            failure.details.append("the guest may stand still: \(error.error(of: vm.name).cause)")
        }
        return failure
    }
}

extension MonitorSession {
    /// Calls off the migration of a suspend that was killed, or failed: when it is complete, QEMU halts the machine.
    mutating func callOffMigration(by deadline: Deadline) throws(MonitorSession.Failure) {
        guard try !execute(.migration, by: deadline).status.isOver else { return }
        try execute(.cancelMigration, by: deadline)
        while try !execute(.migration, by: deadline).status.isOver, !deadline.hasPassed { pause(.milliseconds(10)) }
    }
}
