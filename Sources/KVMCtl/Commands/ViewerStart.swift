import Glibc
import VMCore
import VMHost
import VMLife

/// `vnc --open`: kvmctl turns into the viewer that is there.
enum ViewerStart {
    /// Shows the screen.
    ///
    /// - Throws: `.unavailable` if there is no display or no viewer, `.denied` if the display is another user's.
    static func open(_ access: ScreenAccess, of name: VMName) throws(VMError) -> Never {
        let displays = ["DISPLAY", "WAYLAND_DISPLAY"].compactMap { (name: String) in getenv(name) }
        guard displays.contains(where: { $0.pointee != 0 }) else {
            throw VMError(
                .unavailable, name.description, "there is no display here to show its screen on",
                remedy: "run this where your display is: \(command: access.tunnel)")
        }
        if geteuid() == 0, getenv("SUDO_UID") != nil {
            throw VMError(
                .denied, name.description, "root starts no program on another user's display",
                remedy:
                    "as that user start a viewer for \(access.place); \(command: "kvmctl vnc --password \(name)") prints the password"
            )
        }
        for viewer in Viewer.known {
            guard let program = UserProgram(viewer.program) else { continue }
            var variables: [String: String] = [:]
            if let variable = viewer.passwordVariable, let password = access.password {
                variables[variable] = password
            }
            try program.become(viewer.arguments(host: access.reachable, port: access.port), adding: variables)
        }
        throw VMError(
            .unavailable, name.description,
            "this host has no viewer: none of \(Viewer.known.map(\.program).joined(separator: ", "))",
            remedy: .run("install one", "apt-get install virt-viewer"))
    }
}
