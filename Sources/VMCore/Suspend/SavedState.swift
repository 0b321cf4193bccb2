import SystemPackage

/// The saved state of a suspended VM, as the start that uses it up finds it.
package struct SavedState: Equatable, Sendable {
    /// What the VM was.
    package var saved: SavedMachine
    /// The file that holds its memory.
    package var memory: FilePath
    /// Which file that is.
    package var identity: FileIdentity
    /// The disks and CDs as they are now, by their paths.
    package var stamps: [FilePath: MediumStamp]
    /// The host's processor; nil if it is not known.
    package var processor: HostProcessor?
    /// The VM that was suspended, by its params file, if that is still there and this one is a copy.
    package var original: FilePath?

    /// Describes what was found; see the properties.
    package init(
        _ saved: SavedMachine, memory: FilePath, identity: FileIdentity, stamps: [FilePath: MediumStamp] = [:],
        processor: HostProcessor? = nil
    ) {
        (self.saved, self.memory, self.identity) = (saved, memory, identity)
        (self.stamps, self.processor) = (stamps, processor)
    }
}

/// What a start finds of a saved state.
package enum Suspension: Equatable, Sendable {
    /// The VM is suspended: what it was.
    case state(SavedState)
    /// It is suspended, and its state is to be discarded, whatever it is.
    case discarded
    /// It is not suspended, but this file may hold its memory. Nothing describes it.
    case orphan(FilePath)

    /// What a start goes on with.
    package var state: SavedState? { if case .state(let state) = self { state } else { nil } }
}

extension StartOptions {
    /// The options of a start that goes on with a saved state: with the ISO that the VM had, unless this start names one.
    package func goingOn(with saved: SavedMachine?) -> StartOptions {
        guard let machine = saved?.machine, !discardsSuspended else { return self }
        var options = self
        options.hasGenerationID = machine.hasGenerationID
        if cdrom == nil { (options.cdrom, options.bootsCDROM) = (machine.cdrom, machine.bootsCDROM) }
        return options
    }
}

extension LaunchPlanner {
    /// Has QEMU load the saved state of a suspended VM, if it still fits. Planned last, so that the descriptors have the
    /// numbers that they would have without it.
    mutating func planSavedState() {
        switch facts.saved {
        case nil: break
        case .orphan(let memory):
            plan.notices.append(
                "\(memory) is not used: \(memory.stem ?? "").suspended, which describes it, is missing; remove it if you "
                    + "don't need it")
        case .discarded:
            plan.usesUpSavedState = true
            plan.notices.append("what it had in memory when it was suspended is lost, as if its power had been cut")
        case .state(let state): planGoingOn(with: state)
        }
    }

    private mutating func planGoingOn(with state: SavedState) {
        plan.usesUpSavedState = true
        // What can't be planned would look like what is no longer there.
        guard problems.isEmpty else { return }
        if let original = state.original {
            problem(.copied(params.name.value, from: original))
            return
        }
        let found = FoundMachine(plan.guestMachine, stamps: state.stamps, processor: state.processor)
        let differences = state.saved.differences(from: found)
        guard differences.isEmpty else {
            problem(.suspended(params.name.value, differences))
            return
        }
        plan.identities[state.memory] = state.identity
        plan.savedMemory = state.memory
        plan.savedSize = ByteCount(bytes: state.saved.memory.size)
        let number = inherit(.savedMemory(state.memory))
        add(
            "-incoming", "fd:\(number)", purpose: "go on where suspend stopped",
            from: .host("the VM is suspended: \(state.memory)"))
    }
}

extension VMError {
    /// The refusal to go on with the state of a VM that is still there: both would be the same machine.
    fileprivate static func copied(_ name: VMName, from original: FilePath) -> VMError {
        VMError(
            .busy, name.description,
            "it is a copy of \(original), made while that was suspended: if it went on, the guest would run twice",
            remedy: .advice(
                "start that one; or give this one a UUID and MACs of its own, and start it with --discard-suspended, which "
                    + "boots it anew, as after a power cut"))
    }

    /// The refusal to go on with a saved state that does not fit any longer.
    fileprivate static func suspended(_ name: VMName, _ differences: [String]) -> VMError {
        VMError(
            .busy, name.description, "it is suspended, and can't go on as things are now",
            remedy: .orDiscard("put that back as it was, and start it again"), details: differences)
    }
}

extension Remedy {
    /// Says how to go on with a suspended VM; or how to start it anew.
    package static func orDiscard(_ advice: String) -> Remedy {
        .advice("\(advice); or start it with --discard-suspended, which loses what it had in memory like a power cut")
    }
}
