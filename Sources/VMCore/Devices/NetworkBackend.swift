import BridgeNet

/// QEMU's end of a network: `-netdev` when the machine starts, `netdev_add` when it runs (QEMU, qapi/net).
package struct NetworkBackend: Equatable, Sendable {
    /// What carries the frames.
    package enum Carrier: Equatable, Sendable {
        /// QEMU's own network stack.
        case user(forwards: [PortForward])
        /// A tap or macvtap: a descriptor for each queue, and as many of /dev/vhost-net, or none.
        case tap([DescriptorReference], vhost: [DescriptorReference])
        /// A tap that is there already, which QEMU opens by its name.
        case madeTap(InterfaceName, queues: Int, isServed: Bool)
    }

    /// What QEMU calls it.
    package var id: String
    /// What carries the frames.
    package var carrier: Carrier

    /// Describes a back end; see the properties.
    package init(_ id: String, _ carrier: Carrier) {
        self.id = id
        self.carrier = carrier
    }

    /// The value of `-netdev`.
    package var argument: String {
        switch carrier {
        case .user(let forwards):
            var option = OptionText("user")
            option.add("id", id)
            for forward in forwards { option.add("hostfwd", forward.hostForward) }
            return option.text
        case .tap(let taps, let vhost):
            var option = OptionText("tap")
            option.add("id", id)
            option.add(taps.count == 1 ? "fd" : "fds", taps.list)
            guard !vhost.isEmpty else { return option.text }
            option.add("vhost", "on")
            option.add(vhost.count == 1 ? "vhostfd" : "vhostfds", vhost.list)
            return option.text
        case .madeTap(let name, let queues, let isServed):
            var option = OptionText("tap")
            option.add("id", id)
            option.add("ifname", name.description)
            option.add("script", "no")
            option.add("downscript", "no")
            if queues > 1 { option.add("queues", String(queues)) }
            if isServed { option.add("vhost", "on") }
            return option.text
        }
    }

    /// The command that makes it. Descriptors are taken from those that were lent before.
    package var plugged: QMPCommand {
        var arguments: [String: JSON] = ["id": .string(id)]
        switch carrier {
        case .user(let forwards):
            arguments["type"] = "user"
            if !forwards.isEmpty {
                arguments["hostfwd"] = .array(forwards.map { ["str": .string($0.hostForward)] })
            }
        case .tap(let taps, let vhost):
            arguments["type"] = "tap"
            arguments[taps.count == 1 ? "fd" : "fds"] = .string(taps.list)
            guard !vhost.isEmpty else { break }
            arguments["vhost"] = true
            arguments[vhost.count == 1 ? "vhostfd" : "vhostfds"] = .string(vhost.list)
        case .madeTap(let name, let queues, let isServed):
            arguments["type"] = "tap"
            arguments["ifname"] = .string(name.description)
            (arguments["script"], arguments["downscript"]) = ("no", "no")
            if queues > 1 { arguments["queues"] = .integer(Int64(queues)) }
            if isServed { arguments["vhost"] = true }
        }
        return QMPCommand("netdev_add", arguments)
    }

    /// The command that removes it, once no device uses it.
    package var unplugged: QMPCommand { QMPCommand("netdev_del", ["id": .string(id)]) }

    /// The descriptors to be lent before it is plugged.
    package var lentDescriptors: [LentDescriptor] {
        guard case .tap(let taps, let vhost) = carrier else { return [] }
        return (taps + vhost).compactMap { if case .lent(let descriptor) = $0 { descriptor } else { nil } }
    }
}

/// How QEMU is told of a descriptor that it has.
package enum DescriptorReference: Equatable, Sendable {
    /// By its number, which it inherited.
    case inherited(CInt)
    /// By a name, which it was lent under.
    case lent(LentDescriptor)

    fileprivate var text: String {
        switch self {
        case .inherited(let number): String(number)
        case .lent(let descriptor): descriptor.name
        }
    }
}

/// A descriptor that a running QEMU is sent under a name (`getfd`, QEMU, qapi/misc). What uses it takes it along: the name
/// is free again then.
package struct LentDescriptor: Equatable, Sendable {
    /// Its name, which can't begin with a digit.
    package var name: String
    /// What it is, and so how it is opened.
    package var role: Descriptor.Role

    /// Describes a descriptor; see the properties.
    package init(_ name: String, _ role: Descriptor.Role) {
        self.name = name
        self.role = role
    }

    /// The command that names the descriptor sent along.
    package var plugged: QMPCommand { QMPCommand("getfd", ["fdname": .string(name)]) }

    /// The command that closes it, if nothing took it.
    package var unplugged: QMPCommand { QMPCommand("closefd", ["fdname": .string(name)]) }
}

extension [DescriptorReference] {
    /// As `fds` and `vhostfds` have them.
    fileprivate var list: String { map(\.text).joined(separator: ":") }
}

extension PortForward {
    /// As QEMU writes it: `tcp:127.0.0.1:2222-:22`.
    var hostForward: String { "\(transport.rawValue):\(address):\(hostPort)-:\(guestPort)" }
}
