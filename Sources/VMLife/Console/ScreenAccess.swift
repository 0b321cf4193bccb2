import Glibc
import VMCore
import VMHost

/// How to reach a running VM's screen and keyboard.
package struct ScreenAccess: Sendable {
    /// Where its VNC server listens.
    package let address: String
    /// Its TCP port.
    package let port: UInt16
    /// The display number, as viewers expect it.
    package let display: UInt16
    /// The password that it asks for; nil: none.
    package let password: String?

    /// Looks up how to reach it.
    ///
    /// - Throws: `.busy` if the VM is not running, `.unavailable` if it has no VNC server; `.denied` if it is another
    ///   user's.
    init(_ vm: Machine) throws(VMError) {
        let manifest = try vm.runningManifest(or: "it has no screen", telling: "its display is")
        guard let vnc = try manifest.display(in: vm.paths), let port = vnc.port else {
            throw Self.none(of: manifest, vm)
        }
        (self.address, self.port, display) = (vnc.address, port.number, port.display)
        password = vnc.hasPassword ? try ScreenPassword(vm.directory).read() : nil
    }

    private static func none(of manifest: Manifest, _ vm: Machine) -> VMError {
        guard manifest.vm.vnc != nil else {
            return VMError(
                .unavailable, vm.name.description, "it has no VNC server (VNCDISP=none)",
                remedy: "remove that line from \(vm.file), and restart it")
        }
        return VMError(.busy, vm.name.description, "its display is not known yet", remedy: "try again in a moment")
    }

    /// An address at which this host reaches it.
    package var reachable: String { ["0.0.0.0": "127.0.0.1", "::": "::1"][address] ?? address }

    /// The same with the port.
    package var place: String { "\(reachable.contains(":") ? "[\(reachable)]" : reachable):\(port)" }

    /// The command that forwards it to another host, where it is then at 127.0.0.1.
    package var tunnel: ShellCommand {
        let end = reachable
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "ssh -L \(port):\(end.contains(":") ? "[\(end)]" : end):\(port) \(host)"
    }
}
