import Glibc
import VMCore

/// Where the kernel shows processes (proc(5)). Without it running VMs can't be recognised.
enum ProcessFileSystem {
    private static let path = "/proc"

    /// Checks that it is mounted and shows this process's pid namespace: in another one the pids mean other processes.
    ///
    /// - Throws: `.unavailable`. Without this check a running VM would appear stopped.
    static func require() throws(VMError) {
        // A link to the reader's directory, named by its pid in the mount's namespace.
        var target = [CChar](repeating: 0, count: 32)
        let length = readlink("\(path)/self", &target, target.count - 1)
        guard length > 0 else {
            throw VMError(
                .unavailable, path, "is not mounted, so processes can't be seen",
                remedy: .run("mount it", "mount -t proc proc /proc"))
        }
        guard strtol(target, nil, 10) == Int(getpid()) else {
            throw VMError(
                .unavailable, path, "shows another pid namespace, so this one's processes can't be seen",
                remedy: .run("mount it for this namespace", "mount -t proc proc /proc"))
        }
    }
}
