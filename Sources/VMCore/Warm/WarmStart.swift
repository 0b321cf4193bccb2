import SystemPackage

/// How a start has to do with a warm image: a machine that was saved when its guest was up, with its disks as they were
/// then.
package struct WarmStart: Equatable, Sendable {
    /// The image's name. The guest's own seed for cloud-init is made for it, whichever VM starts from it.
    package var name: VMName
    /// The directory that holds it, or will.
    package var directory: FilePath
    /// Whether it is being made. Otherwise the start goes on from it.
    package var isMade: Bool

    /// Describes a start; see the properties.
    package init(_ name: VMName, in directory: FilePath, isMade: Bool = false) {
        (self.name, self.directory, self.isMade) = (name, directory, isMade)
    }

    /// What instance the guest's cloud-init takes itself for.
    var uuid: UUID { Identity.derivedUUID(machineID: "", file: "warm/\(name)") }

    /// The machine: memory and the state of its devices.
    package var memory: FilePath { directory.appending("machine") }

    /// What the guest had written to a disk: an overlay of `DISKn`.
    package func disk(_ index: Int) -> FilePath { directory.appending("disk\(index).qcow2") }
}

extension LaunchPlanner {
    /// A device that tells the guest's kernel that it is a copy, so that it makes its random numbers anew (QEMU,
    /// docs/specs/vmgenid). With `auto` each QEMU has another id; the new one is told when the saved machine is loaded.
    mutating func planGenerationID() {
        let origin: Origin
        if let warm = options.warm {
            origin = .derived("it starts from the warm image \(warm.name)")
        } else if options.hasGenerationID {
            origin = .host("the suspended VM has it: it once started from a warm image")
        } else {
            return
        }
        add(
            "-device", "\(GuestMachine.generationID),guid=auto", purpose: "tells the guest that it is a copy",
            from: origin)
    }

    /// Has QEMU load the machine of a warm image. Planned last, as the saved state of a suspended VM is.
    mutating func planWarmMachine() {
        guard let warm = options.warm, !warm.isMade else { return }
        (plan.savedMemory, plan.warmImage) = (warm.memory, warm.name)
        let number = inherit(.savedMemory(warm.memory))
        add(
            "-incoming", "fd:\(number)", purpose: "go on from the warm image",
            from: .derived("it starts from the warm image \(warm.name)"))
    }

    /// What the guest had written to a disk when it was saved, which every copy reads and none writes.
    mutating func planFrozen(_ disk: VMParams.Disk, in warm: WarmStart, over base: BlockNode?) -> BlockNode {
        let origin = Origin.derived("it starts from the warm image \(warm.name)")
        let path = warm.disk(disk.index)
        let set = fdset(.frozen(path, making: nil), purpose: "\(path)", from: origin)
        let file = addFileNode(
            disk.frozenID, in: set, isBlockDevice: false, cache: Setting(.writeback, origin), isReadOnly: true,
            from: origin)
        let node = BlockNode.frozen(disk, on: file, over: base)
        add(.node(node), purpose: "the disk when the guest was saved", from: origin)
        return node
    }
}
