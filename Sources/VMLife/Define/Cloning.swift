import Glibc
import SystemPackage
import VMCore
import VMHost

// A VM of which copies are made, with what is on its disks.
extension PlanningContext {
    /// A VM as a model for copies of it. Until the copies are made nobody writes to its disks, nor starts it.
    ///
    /// - Parameters:
    ///   - word: a name, or the path of a params file.
    ///   - isLinked: whether the copies' disks are overlays of the VM's.
    ///   - isDryRun: whether it is left as it is, and its disks are not locked.
    /// - Throws: `.busy` if it is running; why it can't be copied.
    package func modelOfClone(_ word: String, isLinked: Bool, isDryRun: Bool) throws(VMError) -> ModelOfNewVM {
        let vm = try machine(forModel: word)
        if isDryRun { return try clone(of: vm, vm.observe(), isLinked ? .linkedClone : .clone(isHeld: false)) }
        return try vm.operate { () throws(VMError) in
            try clone(of: vm, vm.settle(), isLinked ? .linkedClone : .clone(isHeld: true))
        }
    }

    private func clone(
        of vm: Machine, _ seen: Observation, _ making: ModelOfNewVM.Making
    ) throws(VMError) -> ModelOfNewVM {
        let isRunning = try seen.isAlive
        if isRunning, try vm.runsFromFile {
            throw VMError(
                .busy, vm.name.description, "it is running, and its disks would change while they are copied",
                remedy: "shut it down or suspend it first, and start it again afterwards")
        }
        var model = try model(of: vm, making)
        if try vm.isSuspended() {
            model.notices.append(
                """
                \(vm.name) is suspended: what is in its memory is not copied, so that the copy boots as after a power cut
                """)
        }
        return model
    }

    /// What a disk of a copy is made of; nil: nothing, as it is not there yet, or is only read.
    func clone(
        of disk: VMParams.Disk, _ file: VMFile, isHeld: Bool, _ host: HostDisks,
        _ sources: inout [FilePath: ImageSource]
    ) throws(VMError) -> NewVM.Image? {
        guard !disk.readOnly.value else { return nil }
        let (key, path) = (KeyName(.disk, disk.index), disk.path.value)
        guard let facts = try image(at: path, file) else {
            try refuseLost(disk, of: file)
            return nil
        }
        if facts.isBlockDevice {
            throw VMError(
                .busy, "\(file.params.file): \(key)", "\(path) is a block device, which two VMs can't write to",
                remedy: "say what the copy has instead: --set \(key)=DEVICE; --set \(key)= leaves it out")
        }
        try refuseUsed(path, by: host)
        return try copy(of: disk, file, isHeld: isHeld, &sources)
    }

    /// Refuses a disk that the host writes to, as where it is mounted.
    private func refuseUsed(_ path: FilePath, by host: HostDisks) throws(VMError) {
        let found: stat?
        do throws(Errno) { found = try status(of: path) } catch {
            throw .system(error, path.string, "can't tell whether this host uses it")
        }
        let use = found.flatMap { host.use(of: $0) }
        if let obstacle = host.obstacle { throw obstacle }
        guard let use, use.excludes(writable: false) else { return }
        throw VMError(.busy, path.string, use.words, remedy: use.remedy)
    }
}
