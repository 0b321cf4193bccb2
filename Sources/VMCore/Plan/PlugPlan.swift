import BridgeNet
import SystemPackage

/// What it takes to plug devices into a running machine: what a start of a VM with these devices and no others would do
/// for them, at other places and with other numbers. So the same checks refuse the same things.
package struct PlugPlan: Equatable, Sendable {
    /// That start, as far as it is about the devices: descriptors, new disks, links, notices.
    package let launch: LaunchPlan
    /// What QEMU is told.
    package let plug: Plug

    /// Plans to plug the only device of a VM.
    ///
    /// - Parameters:
    ///   - params: The VM with that device alone (`only`).
    ///   - machine: What runs.
    ///   - place: Where the device goes.
    /// - Throws: `PlanRefusal` with every reason why it can't be plugged.
    package init(
        _ params: VMParams, into machine: RunningHardware, at place: Device.Place, facts: HostFacts
    ) throws(PlanRefusal) {
        var planner = LaunchPlanner(params: params, options: StartOptions(), facts: facts)
        planner.firstNumber = machine.freeNumber
        planner.planDisks()
        planner.planNetwork()
        planner.compareAddresses()
        let plan = try planner.finished()
        let components = plan.components.compactMap { $0.plugged(into: machine, at: place) }
        let holds = params.nics.first.map { nic in plan.descriptors.compactMap { $0.held(for: nic) } } ?? []
        launch = plan
        plug = Plug(components.map { $0.lending(plan.descriptors) }, holding: holds)
    }

    /// Plans the nodes of a medium for one of its CD drives. Their names are new: the old medium's go later.
    ///
    /// - Throws: `PlanRefusal` with every reason why it can't be used.
    package init(
        disc: Setting<FilePath>, for drive: RunningHardware.Drive, of params: VMParams, in machine: RunningHardware,
        facts: HostFacts
    ) throws(PlanRefusal) {
        var planner = LaunchPlanner(params: params, options: StartOptions(), facts: facts)
        planner.firstNumber = machine.freeNumber
        medium = planner.addDisc("\(drive.id).\(machine.freeNumber)", disc, isFirst: false)?.name
        launch = try planner.finished()
        plug = Plug(launch.components)
    }

    /// The uppermost node of a medium.
    package private(set) var medium: String?
}

extension LaunchPlanner {
    fileprivate func finished() throws(PlanRefusal) -> LaunchPlan {
        guard problems.isEmpty else { throw PlanRefusal(problems: problems) }
        return plan
    }
}

extension VMParams {
    /// The same VM with these devices alone. What its file does not have comes from these words of a command line.
    package func only(
        disk: Disk? = nil, disc: FilePath? = nil, nic: NIC? = nil, called words: String
    ) -> VMParams {
        var some = self
        some.disks = [disk].compactMap(\.self)
        some.cdroms = disc.map { [CDROM(index: 0, path: Setting($0, .option(words)))] } ?? []
        some.nics = [nic].compactMap(\.self)
        if let disk, !disks.contains(where: { $0.index == disk.index }) { some.disks[0].come(from: .option(words)) }
        if let nic, !nics.contains(where: { $0.index == nic.index }) { some.nics[0].come(from: .option(words)) }
        // What is plugged is not booted, and the rest of the VM is not looked at.
        some.boot.value = []
        (some.kernel, some.forwards, some.vnc.passwordFile, some.cpu) = (nil, [], nil, nil)
        some.cloudInit = nil
        return some
    }
}

extension VMParams.Disk {
    fileprivate mutating func come(from origin: Origin) {
        (path.origin, readOnly.origin, bus.origin) = (origin, origin, origin)
        size?.origin = origin
        format?.origin = origin
        serial?.origin = origin
        iops?.origin = origin
        bps?.origin = origin
        cache?.origin = origin
    }
}

extension VMParams.NIC {
    fileprivate mutating func come(from origin: Origin) {
        (network.origin, model.origin) = (origin, origin)
        mac?.origin = origin
        tap?.origin = origin
        mtu?.origin = origin
        vlans?.origin = origin
        queues?.origin = origin
        rate?.origin = origin
        filter?.origin = origin
    }
}

extension LaunchPlan {
    fileprivate var components: [Component] {
        arguments.flatMap(\.arguments).compactMap { argument in
            if case .component(let component) = argument { component } else { nil }
        }
    }
}

extension Component {
    /// The component as it is plugged; nil: the machine has it already.
    fileprivate func plugged(into machine: RunningHardware, at place: Device.Place) -> Component? {
        switch self {
        case .object(let object) where machine.objects.contains(object.id): return nil
        case .device(var device):
            if case .root = device.place { device.place = place }
            return .device(device)
        case .object, .descriptors, .node, .backend: return self
        }
    }

    /// A back end whose descriptors are lent by name: a running machine inherits none.
    fileprivate func lending(_ descriptors: [Descriptor]) -> Component {
        guard case .backend(var backend) = self, case .tap(let taps, let vhost) = backend.carrier else { return self }
        func lent(_ references: [DescriptorReference]) -> [DescriptorReference] {
            references.map { reference in
                guard case .inherited(let number) = reference,
                    let descriptor = descriptors.first(where: { $0.number == number })
                else { return reference }
                return .lent(descriptor.lent)
            }
        }
        backend.carrier = .tap(lent(taps), vhost: lent(vhost))
        return .backend(backend)
    }
}

extension Descriptor {
    /// The same, as it is lent to a running machine that takes it along.
    fileprivate var lent: LentDescriptor { LentDescriptor("lent\(number)", role) }
}

extension VMParams.NIC {
    /// The names of what QEMU may hold for the card with that n while it is plugged.
    package static func holdNames(_ index: Int) -> [String] {
        ["taps", "isolated", "nat", "lease", "macvtap"].map { holdName($0, index) }
    }

    fileprivate static func holdName(_ word: String, _ index: Int) -> String { "nic\(index)-\(word)" }
}

extension Descriptor {
    /// The same, if QEMU only has to hold it, under a name that the command that unplugs the card knows.
    fileprivate func held(for nic: VMParams.NIC) -> LentDescriptor? {
        let word: String? =
            switch role {
            case .taps: "taps"
            case .isolated: "isolated"
            case .natNetwork: "nat"
            case .natLease: "lease"
            case .macvtap: "macvtap"
            default: nil
            }
        return word.map { LentDescriptor(VMParams.NIC.holdName($0, nic.index), role) }
    }
}
