/// A program that shows a VNC server's screen.
package struct Viewer: Sendable {
    /// Its name in PATH.
    package let program: String
    /// How it is told where to connect.
    private let place: @Sendable (_ host: String, _ port: UInt16) -> String
    /// The environment variable in which it takes the password; nil: it asks.
    package let passwordVariable: String?

    /// The words for it.
    package func arguments(host: String, port: UInt16) -> [String] {
        [place(host.contains(":") ? "[\(host)]" : host, port)]
    }

    /// Those that are known, the best first.
    package static let known = [
        Viewer("remote-viewer") { "vnc://\($0):\($1)" },
        Viewer("vncviewer", passwordVariable: "VNC_PASSWORD") { "\($0)::\($1)" },
        Viewer("xtigervncviewer", passwordVariable: "VNC_PASSWORD") { "\($0)::\($1)" },
        Viewer("xtightvncviewer") { "\($0)::\($1)" },
        // It takes displays, not ports.
        Viewer("gvncviewer") { "\($0):\(Int($1) - Int(VNCPort.first))" },
        Viewer("krdc") { "vnc://\($0):\($1)" },
    ]

    private init(
        _ program: String, passwordVariable: String? = nil, place: @escaping @Sendable (String, UInt16) -> String
    ) {
        (self.program, self.passwordVariable, self.place) = (program, passwordVariable, place)
    }
}
