import VMCore
import VMLife

/// `kvmctl vnc`: how to reach a VM's screen and keyboard.
package struct VNCReport: ObjectReport {
    private let name: VMName
    private let address: String
    private let port: UInt16
    private let display: UInt16
    private let password: String?
    private let tunnel: ShellCommand

    /// Reports where a VM's VNC server listens.
    ///
    /// - Parameters:
    ///     - password: The password that it asks for; nil: none.
    ///     - tunnel: The command that brings it to another host.
    package init(
        _ name: VMName, address: String, port: UInt16, display: UInt16, password: String?,
        tunnel: ShellCommand
    ) {
        self.name = name
        self.address = address
        self.port = port
        self.display = display
        self.password = password
        self.tunnel = tunnel
    }

    /// What an answer is.
    package var schema: Schema { .vnc }

    /// What a viewer has to know.
    package var members: Members {
        [
            "name": .string(name.description), "address": .string(address), "port": .int(port),
            "display": .int(display), "password": .optional(password), "tunnel": .string(tunnel.description),
        ]
    }

    /// A line each.
    package var text: [TextBlock] {
        let place = "\(address.contains(":") ? "[\(address)]" : address):\(port)"
        return [
            "address     \(place), display :\(display)",
            "password    \(password ?? "none: \(VMParams.VNC.unprotected)")",
            "tunnel      \(tunnel)",
        ]
    }
}
