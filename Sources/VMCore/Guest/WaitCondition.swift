/// What `wait` waits for.
package enum WaitCondition: Hashable, Sendable {
    /// The machine runs.
    case running
    /// It does not.
    case stopped
    /// The guest agent answers.
    case agent
    /// The guest has an address.
    case ip
    /// Something listens on this TCP port of the guest.
    case tcp(UInt16)
    /// A line on the serial console matches this extended regular expression (regex(7)).
    case serial(String)
    /// The guest is up, by what it shows.
    case boot
    /// A shell or a login prompt is on its serial console. For `run`; `wait` has `serial`.
    case shell

    /// Whether it needs a VM that runs.
    package var needsGuest: Bool {
        switch self {
        case .running, .stopped: false
        case .agent, .ip, .tcp, .serial, .boot, .shell: true
        }
    }
}

extension WaitCondition: CustomStringConvertible {
    /// As on the command line.
    package var description: String {
        switch self {
        case .running: "running"
        case .stopped: "stopped"
        case .agent: "agent"
        case .ip: "ip"
        case .tcp(let port): "tcp:\(port)"
        case .serial(let pattern): "serial:/\(pattern)/"
        case .boot: "boot"
        case .shell: "shell"
        }
    }
}

extension OptionValue {
    /// A condition of `wait`.
    package static func condition(_ text: String) throws(Fault) -> WaitCondition {
        switch text {
        case "running": return .running
        case "stopped": return .stopped
        case "agent": return .agent
        case "ip": return .ip
        case "boot": return .boot
        default: break
        }
        if text.hasPrefix("tcp:") {
            guard let port = UInt16(text.dropFirst(4)), port > 0 else {
                throw Fault(description: "\(Printable.quoted(text)) names no TCP port. Write one such as tcp:22.")
            }
            return .tcp(port)
        }
        if text.hasPrefix("serial:") {
            let rest = text.dropFirst("serial:".count)
            guard rest.count > 2, rest.first == "/", rest.last == "/" else {
                throw Fault(
                    description: "\(Printable.quoted(text)) has no pattern between slashes. "
                        + "Write one such as 'serial:/ready$/'.")
            }
            return .serial(String(rest.dropFirst().dropLast()))
        }
        throw Fault(
            description:
                "\(Printable.quoted(text)) is nothing that can be waited for. Conditions are running, stopped, "
                + "boot, agent, ip, tcp:PORT and serial:/REGEX/.")
    }
}
