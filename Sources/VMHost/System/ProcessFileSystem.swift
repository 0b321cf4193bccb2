import Glibc
import VMCore

/// Where the kernel shows processes (proc(5)): without it nothing can be said of a running VM.
enum ProcessFileSystem {
    private static let path = "/proc"

    /// Looks whether it is there, and shows this process's own pid namespace: another's pids mean other processes.
    ///
    /// - Throws: `.unavailable`, which is better than a VM that seems not to run.
    static func require() throws(VMError) {
        // A link to the reader's own directory, by its pid in the namespace that the mount belongs to.
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
                remedy: .run("mount this one's", "mount -t proc proc /proc"))
        }
    }
}
