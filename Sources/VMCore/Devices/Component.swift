/// A part of the machine that can be there at start or be plugged later. It is described once, as a value, and rendered as
/// a command-line argument or as a QMP command.
package enum Component: Equatable, Sendable {
    case descriptors(DescriptorSet)
    case object(QEMUObject)
    case node(BlockNode)
    case backend(NetworkBackend)
    case device(Device)

    /// The words of the command line.
    package var words: [String] {
        switch self {
        case .descriptors(let set): ["-add-fd", set.argument]
        case .object(let object): ["-object", object.argument]
        case .node(let node): ["-blockdev", node.argument]
        case .backend(let backend): ["-netdev", backend.argument]
        case .device(let device): ["-device", device.argument]
        }
    }

    /// The command that adds it to a running machine.
    package var plugged: QMPCommand {
        switch self {
        case .descriptors(let set): set.plugged
        case .object(let object): object.plugged
        case .node(let node): node.plugged
        case .backend(let backend): backend.plugged
        case .device(let device): device.plugged
        }
    }

    /// The command that removes it again; nil: it can't be removed.
    package var unplugged: QMPCommand? {
        switch self {
        case .descriptors(let set): set.unplugged
        case .object(let object): object.unplugged
        case .node(let node): node.unplugged
        case .backend(let backend): backend.unplugged
        case .device(let device): device.unplugged
        }
    }
}
