import SystemPackage
import VMCore
import VMHost

/// Whether a running VM can be suspended so that its next start goes on. Changes nothing.
struct SuspendCheck {
    private let vm: Machine
    private let files: StateFiles
    private let seen: Observation

    init(_ vm: Machine, _ files: StateFiles, _ seen: Observation) {
        (self.vm, self.files, self.seen) = (vm, files, seen)
    }

    /// What a saved state takes besides what QEMU has touched of its memory.
    private static let overhead = ByteCount(bytes: 16 << 20)

    /// Refuses a VM that can't be suspended.
    ///
    /// - Returns: what the next start has to find again, and the most bytes that its state will take.
    func pass() throws(VMError) -> (machine: GuestMachine, size: ByteCount) {
        if seen.isStray { throw .withoutRuntimeFiles(vm.name, "it can't be suspended") }
        guard seen.state != .starting else {
            throw VMError(.busy, vm.name.description, "it is still starting", remedy: "try again in a moment")
        }
        var machine = try vm.directory.guestMachine()
        let manifest = try vm.manifest()
        guard machine.shares.isEmpty else {
            throw VMError(
                .busy, vm.name.description,
                "it shares a directory (\(machine.shares.joined(separator: ", "))), whose server can't be saved",
                remedy: "shut the guest down instead, with kvmctl stop")
        }
        do throws(MonitorSession.Failure) {
            let deadline = Deadline(in: Suspending.monitorPatience)
            var session = try vm.monitor(by: deadline)
            let state = try session.execute(.status, by: deadline)
            let obstacles = try session.execute(.migration, by: deadline).obstacles
            let hardware = try session.hardware(by: deadline)
            if let refusal = refusal(state, obstacles) ?? refusal(hardware, machine) { throw .ours(refusal) }
            do throws(GuestMachine.DriveObstacle) {
                machine = try machine.withDiscs(of: hardware, noted: manifest?.vm.media ?? [])
            } catch { throw .ours(refusal(error)) }
        } catch { throw error.error(of: vm.name) }
        return (machine, try space(manifest))
    }

    private func refusal(_ state: RunState, _ obstacles: [String]) -> VMError? {
        if state.attention == .wakeUp { return vm.asleep(so: "no start could go on from that") }
        guard state.isSavable else {
            return VMError(
                .busy, vm.name.description,
                "its machine is in the state \(state.name), from which no start could go on",
                remedy: "see \(command: "kvmctl show \(vm.name)")")
        }
        guard !obstacles.isEmpty else { return nil }
        return VMError(
            .busy, vm.name.description, "QEMU can't save this machine",
            remedy: "shut the guest down instead, with kvmctl stop", details: obstacles)
    }

    /// Refuses a machine to which devices were plugged, or of which some were unplugged: the next start makes the machine
    /// that its file defines.
    private func refusal(_ hardware: RunningHardware, _ machine: GuestMachine) -> VMError? {
        // Nodes without a name of ours are QEMU's own.
        let nodes = hardware.nodes.map(\.name).filter { !$0.hasPrefix("#") && !BlockNode.isOfDisc($0) }
        let found = (hardware.devices + nodes).filter { !machine.mayBeExtra($0) }
        let known = machine.devices + machine.nodes
        let (plugged, unplugged) = (Set(found).subtracting(known), Set(known).subtracting(found))
        guard !plugged.isEmpty || !unplugged.isEmpty else { return nil }
        let isNICsAlone = unplugged.isEmpty && plugged.allSatisfy { $0.hasPrefix("nic") }
        if isNICsAlone, machine.hasGenerationID { return pluggedByKvmctl }
        let lines =
            Self.devices(plugged).map { "\($0) was attached" } + Self.devices(unplugged).map { "\($0) was detached" }
        return VMError(
            .busy, vm.name.description, "its devices are no longer those that it was started with",
            remedy: .advice(
                "once its guest was restarted, with kvmctl restart, it has what its file says, and can be suspended; or shut "
                    + "it down instead, with kvmctl stop"),
            details: lines)
    }

    /// Its user has attached nothing: kvmctl gave the guest of a warm image its NICs.
    private var pluggedByKvmctl: VMError {
        VMError(
            .busy, vm.name.description,
            "it went on from a warm image, and got its network cards then: it can't be suspended until its next start",
            remedy: .advice(
                "restart its guest once, with kvmctl restart: then it can be suspended; or shut it down instead, "
                    + "with kvmctl stop"))
    }

    private func refusal(_ obstacle: GuestMachine.DriveObstacle) -> VMError {
        switch obstacle {
        case .startsDriveIsEmpty:
            VMError(
                .busy, vm.name.description,
                "the drive of its start's CD is empty, and no start can make one without a CD",
                remedy: "put one in with kvmctl cdrom insert --live; or shut the guest down instead, with kvmctl stop")
        case .unknown(let drive):
            VMError(
                .busy, vm.name.description, "it is not known what is in \(drive.title)",
                remedy: "put a CD in with kvmctl cdrom insert; or shut the guest down instead, with kvmctl stop")
        }
    }

    /// What is said of them: of a disk not its nodes too.
    private static func devices(_ ids: Set<String>) -> [String] {
        ids.filter { !$0.contains("-") || !ids.contains(String($0.prefix { $0 != "-" })) }.sorted()
    }

    /// Refuses if the file system has no room for what QEMU has touched.
    private func space(_ manifest: Manifest?) throws(VMError) -> ByteCount {
        let directory = files.memory.removingLastComponent()
        let touched = seen.holder.flatMap { ProcessFiles(pid: $0.pid).touchedMemory }
        let memory = manifest?.vm.memory ?? ByteCount(bytes: .max)
        let most = min(touched ?? ByteCount(bytes: .max), memory) + Self.overhead
        guard let free = FileSystemSpace(at: directory)?.free, most > free else { return most }
        throw VMError(
            .cannotCreate, files.memory.string, "may take up to \(most), and only \(free) is free there",
            errno: .noSpace, remedy: "free some space there, or shut the guest down instead")
    }
}
