/// A command of QEMU's monitor or of its guest agent, and how its reply is read.
///
/// Every command that kvmctl sends is a static member here, in an extension next to those of its subject: nothing else
/// builds its JSON, or reads the reply's.
package struct QMPRequest<Reply>: Sendable {
    /// The command.
    package let command: QMPCommand
    /// Reads what the command returned; nil if that is not what QEMU's schema promises.
    package let read: @Sendable (JSON) -> Reply?

    /// A command, and the reader of its reply.
    package init(
        _ name: String, _ arguments: [String: JSON] = [:], read: @escaping @Sendable (JSON) -> Reply?
    ) {
        command = QMPCommand(name, arguments)
        self.read = read
    }
}

extension QMPRequest<Void> {
    /// A command whose reply tells nothing more than that it was carried out.
    package init(_ name: String, _ arguments: [String: JSON] = [:]) { self.init(name, arguments) { _ in () } }

    /// A command that a plan holds.
    package init(_ command: QMPCommand) { self.init(command.name, command.arguments) }
}
