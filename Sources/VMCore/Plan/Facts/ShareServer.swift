import SystemPackage

/// virtiofsd, which serves a shared directory to one guest, and ends with the connection to its QEMU.
package struct ShareServer: Equatable, Sendable {
    /// The two programs of that name.
    package enum Kind: Equatable, Sendable {
        /// QEMU's own, up to QEMU 7.2 (its docs/tools/virtiofsd).
        case ofQEMU
        /// Its successor (gitlab.com/virtio-fs/virtiofsd).
        case rust

        /// From what `--version` prints.
        package init(version: String) { self = version.hasPrefix("virtiofsd version ") ? .ofQEMU : .rust }
    }

    /// The program.
    package var path: FilePath
    /// Which of them it is.
    package var kind: Kind

    /// Names a program; see the properties.
    package init(path: FilePath, kind: Kind) { (self.path, self.kind) = (path, kind) }

    /// Where it finds the directory that it serves, and nothing else that the host has there.
    package static let place = "/mnt"
    /// The number of its listening socket.
    package static let socket: CInt = 3

    /// Its arguments. It makes the directory its root, in namespaces of its own, and filters its system calls.
    package var arguments: [String] {
        switch kind {
        case .ofQEMU:
            [
                "-f", "--fd=\(Self.socket)", "-o",
                "source=\(Self.place),sandbox=namespace,announce_submounts,log_level=warn",
            ]
        case .rust:
            [
                "--fd=\(Self.socket)", "--shared-dir=\(Self.place)", "--sandbox=namespace", "--seccomp=kill",
                "--announce-submounts", "--log-level=warn",
            ]
        }
    }
}
