/// A command of the QEMU Machine Protocol (QEMU, docs/interop/qmp-spec).
package struct QMPCommand: Equatable, Sendable {
    /// The command's name, such as `query-status`.
    package var name: String
    /// Its arguments; empty: none are sent.
    package var arguments: [String: JSON]

    /// Names a command and its arguments.
    package init(_ name: String, _ arguments: [String: JSON] = [:]) {
        self.name = name
        self.arguments = arguments
    }

    /// The command as one line without its newline; `id` comes back in the reply.
    package func line(id: Int64? = nil) -> String {
        var message: [String: JSON] = ["execute": .string(name)]
        if !arguments.isEmpty { message["arguments"] = .object(arguments) }
        if let id { message["id"] = .integer(id) }
        return JSON.object(message).text
    }
}

/// What QEMU says on a QMP connection: one JSON object a line.
package enum QMPMessage: Equatable, Sendable {
    /// The first line of a connection, before any command.
    case greeting
    /// A command was carried out.
    case reply(id: Int64?, JSON)
    /// A command was refused.
    case failure(id: Int64?, className: String, description: String)
    /// Something happened.
    case event(QMPEvent)

    /// Reads one line; nil if it is not a QMP message.
    package init?(line: some Sequence<UInt8>) {
        guard let json = try? JSON(parsing: line) else { return nil }
        if json["QMP"] != nil {
            self = .greeting
        } else if let value = json["return"] {
            self = .reply(id: json["id"]?.integer, value)
        } else if let error = json["error"] {
            self = .failure(
                id: json["id"]?.integer, className: error["class"]?.string ?? "",
                description: error["desc"]?.string ?? "no reason given")
        } else if let event = QMPEvent(json) {
            self = .event(event)
        } else {
            return nil
        }
    }
}

/// An event of QEMU (docs/interop/qmp-spec, "Asynchronous events").
package struct QMPEvent: Equatable, Sendable {
    /// Its name, such as `SHUTDOWN`.
    package var name: String
    /// Its data.
    package var data: JSON
    /// When, in microseconds since the epoch.
    package var microseconds: Int64

    /// Reads the object of an event; nil if it is not one.
    package init?(_ json: JSON) {
        guard let name = json["event"]?.string else { return nil }
        self.name = name
        data = json["data"] ?? .object([:])
        let stamp = json["timestamp"]
        // A QEMU that a guest has taken over may write any number. Up to the last second of the year 9999, all that is
        // computed with it is in range.
        let seconds = min(max(0, stamp?["seconds"]?.integer ?? 0), 253_402_300_799)
        microseconds = seconds * 1_000_000 + min(max(0, stamp?["microseconds"]?.integer ?? 0), 999_999)
    }
}
