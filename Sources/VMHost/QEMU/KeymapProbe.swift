import BridgeKernel
import CLinux
import Glibc
import SystemPackage

/// The keyboard maps of a QEMU binary: files in a directory that depends on the build, and that the binary can name.
struct KeymapProbe {
    let credentials: ResolvedCredentials

    /// The maps' names, sorted; empty if they can't be determined.
    func names(of qemu: FilePath) -> [String] {
        guard let said = try? output(of: qemu, ["-machine", "none", "-L", "help"]) else { return [] }
        let directories = String(decoding: said, as: UTF8.self).split(separator: "\n").map { FilePath(String($0)) }
        let names = directories.flatMap { (try? VMHost.names(in: $0.appending("keymaps"))) ?? [] }
        return Set(names).sorted()
    }

    private func output(of qemu: FilePath, _ arguments: [String]) throws -> [UInt8] {
        let output = try OwnedDescriptor(returned: clinux_memory_file("output"))
        let null = try OwnedDescriptor.open("/dev/null", .readWrite)
        var launch = Launch(path: qemu.string, arguments: arguments, credentials: credentials)
        launch.diesWithParent = true
        launch.pass(null.descriptor, as: 0)
        launch.pass(output.descriptor, as: 1)
        launch.pass(null.descriptor, as: 2)
        let child = try launch.spawn(by: Deadline(in: .seconds(30)))
        let end = child.reap(by: Deadline(in: .seconds(5)))
        if end == nil {
            child.kill()
            child.reap(by: Deadline(in: .seconds(5)))
        }
        lseek(output.rawValue, 0, SEEK_SET)
        return end == .exited(0) ? try readAll(output.descriptor, limit: 1 << 16) : []
    }
}
