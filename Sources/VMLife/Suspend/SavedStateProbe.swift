import Glibc
import SystemPackage
import VMCore
import VMHost

/// Looks for the saved state that a start of a VM would go on with.
struct SavedStateProbe {
    private let vm: Machine
    private let file: VMFile

    init(_ vm: Machine, _ file: VMFile) { (self.vm, self.file) = (vm, file) }

    /// What a start would find; nil: nothing, or it runs.
    ///
    /// - Parameter isDiscarded: whether its state is not wanted, whatever it is.
    func found(discarding isDiscarded: Bool) -> Result<Suspension?, VMError> {
        Result { () throws(VMError) in
            let files = StateFiles(of: vm)
            guard try vm.isSuspended() else { return try files.orphanedMemory.map { .orphan($0) } }
            guard try !vm.observe().isAlive else { return nil }
            if isDiscarded { return .discarded }
            guard let saved = try files.read(file.trust) else { return nil }
            var state = try files.state(saved, file.trust)
            try look(at: saved, for: &state)
            return .state(state)
        }
    }

    private func look(at saved: SavedMachine, for state: inout SavedState) throws(VMError) {
        for path in file.params.media + [saved.machine.cdrom].compactMap(\.self) {
            // What is wrong with it otherwise is said where the plan needs it.
            state.stamps[path] = try? MediumStamp(of: path, file.trust)
        }
        if saved.processor != nil { state.processor = .ofThisHost() }
        state.original = try original(of: saved)
    }

    /// The VM that was suspended, if this one is a copy of it; nil: it is that one, wherever it was moved.
    ///
    /// A file without a UUID is another VM at another place already.
    private func original(of saved: SavedMachine) throws(VMError) -> FilePath? {
        guard let other = saved.file, other != vm.file else { return nil }
        do throws(Errno) {
            guard let there = try status(of: other), let here = try status(of: vm.file),
                (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)
            else { return nil }
        } catch {
            throw .system(error, other.string, "can't tell whether \(vm.name) is a copy of what was suspended there")
        }
        let uuid: String?
        do throws(VMError) { uuid = try VMFile.glance(at: other).uuid?.value.description } catch {
            if error.code == .notFound { return nil }
            throw error
        }
        return uuid?.lowercased() == saved.machine.uuid.lowercased() ? other : nil
    }
}
