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
    }
}
