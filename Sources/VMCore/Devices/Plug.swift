/// How a device is added to a running machine with all that it stands on, and how it is removed. Pure: a value to be shown,
/// or carried out.
package struct Plug: Equatable, Sendable {
    /// One exchange with QEMU.
    package enum Step: Equatable, Sendable {
        /// Lends QEMU a descriptor, which a part of the machine takes along.
        case lend(LentDescriptor)
        /// Gives QEMU a descriptor to hold while the device is there.
        case hold(LentDescriptor)
        /// Adds a part of the machine.
        case add(Component)
    }

    /// What is done, in order.
    package private(set) var steps: [Step]

    /// Plans to plug a device.
    ///
    /// - Parameters:
    ///   - objects: What it needs and the machine does not have yet.
    ///   - node: What is behind a disk or a CD drive.
    ///   - backend: What is behind a network card.
    package init(
        _ device: Device, objects: [QEMUObject] = [], node: BlockNode? = nil, backend: NetworkBackend? = nil
    ) {
        let others =
            objects.map(Component.object) + (node?.components ?? [])
            + [backend.map(Component.backend)].compactMap(\.self)
        self.init(others + [.device(device)])
    }

    /// Plans to plug a device with all that it stands on.
    ///
    /// - Parameters:
    ///   - components: The parts, each after what it stands on.
    ///   - holds: What QEMU holds meanwhile, such as a network's life.
    package init(_ components: [Component], holding holds: [LentDescriptor] = []) {
        steps = holds.map(Step.hold)
        for component in components {
            if case .backend(let backend) = component { steps += backend.lentDescriptors.map(Step.lend) }
            steps.append(.add(component))
        }
    }

    /// What undoes the first `count` steps, where the next one failed.
    package func rollback(of count: Int) -> [UnplugStep] { steps.prefix(count).reversed().compactMap(\.undo) }

    /// What removes the device and all that was added for it.
    package var removal: [UnplugStep] {
        steps.reversed().compactMap { step in
            // What was lent went with what took it.
            if case .lend = step { nil } else { step.undo }
        }
    }
}

extension Plug.Step {
    /// What QEMU is told.
    package var command: QMPCommand {
        switch self {
        case .lend(let descriptor), .hold(let descriptor): descriptor.plugged
        case .add(let component): component.plugged
        }
    }

    /// The descriptor that is sent with the command (SCM_RIGHTS, unix(7)).
    package var descriptor: Descriptor.Role? {
        switch self {
        case .lend(let descriptor), .hold(let descriptor): descriptor.role
        case .add(.descriptors(let set)): set.role
        case .add(.object), .add(.node), .add(.backend), .add(.device): nil
        }
    }

    fileprivate var undo: UnplugStep? {
        switch self {
        case .lend(let descriptor), .hold(let descriptor):
            UnplugStep(command: descriptor.unplugged, end: .replyOrRefusal)
        case .add(.device(let device)):
            device.id.flatMap { id in
                device.unplugged.map { UnplugStep(command: $0, end: .deviceDeleted(id: id)) }
            }
        case .add(let component): component.unplugged.map { UnplugStep(command: $0, end: .reply) }
        }
    }
}

/// A step of a removal or a rollback.
package struct UnplugStep: Equatable, Sendable {
    /// When a step is done.
    package enum End: Equatable, Sendable {
        /// When QEMU answers.
        case reply
        /// When QEMU answers, or refuses because there is nothing left to undo.
        case replyOrRefusal
        /// When the event `DEVICE_DELETED` names the device: the guest has to let go of it first, and can refuse
        /// (`DEVICE_UNPLUG_GUEST_ERROR`).
        case deviceDeleted(id: String)
    }

    /// What QEMU is told.
    package var command: QMPCommand
    /// When the step is done.
    package var end: End
}
