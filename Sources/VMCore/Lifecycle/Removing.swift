import Glibc
public import SystemPackage

/// Removes a VM that does not run.
public struct Removing: Sendable {
    /// Everything that will go.
    public let files: [FilePath]
    /// Disks that stay, each with why.
    public let kept: [(path: FilePath, why: String)]
    private let reference: VMReference
    private let paths: Paths

    /// Plans a removal: the params file, the logs, and with `disks` the images in the VM's own directory. Touches
    /// nothing.
    public init(_ reference: VMReference, disks: Bool, paths: Paths) throws(VMError) {
        self.reference = reference
        self.paths = paths
        let params = try VMFile(reference.file).params
        let home = reference.file.removingLastComponent()
        var files: [FilePath] = []
        var kept: [(path: FilePath, why: String)] = []
        let others = VMLocator(paths).definedFiles().filter { $0 != reference.file }
            .compactMap { try? VMFile($0).params }
        let shared = Set(others.flatMap { $0.disks.map(\.path.value) })
        for path in params.disks.map(\.path.value) {
            guard let found = try? status(of: path) else { continue }
            if !disks {
                kept.append((path, "disks are kept without --disks"))
            } else if path.removingLastComponent() != home {
                kept.append((path, "it is outside the VM's directory"))
            } else if found.st_mode & S_IFMT != S_IFREG {
                kept.append((path, "it is not a file"))
            } else if shared.contains(path) {
                kept.append((path, "another VM uses it"))
            } else {
                files.append(path)
            }
        }
        self.files = files + [reference.file]
        self.kept = kept
    }

    /// Removes it.
    public func remove() throws(VMError) {
        let directory = RuntimeDirectory(reference.name, in: paths)
        try directory.operate { () throws(VMError) in
            try directory.removeLeftover(paths)
            guard !Observation(reference.name, in: paths).state.isAlive else {
                throw VMError(
                    .busy, reference.name.description, "it is running",
                    remedy: "stop it first: `kvmctl stop \(reference.name)`")
            }
            for file in files {
                guard file.withPlatformString({ unlink($0) }) == 0 || errno == ENOENT else {
                    throw .system(Errno(rawValue: errno), file.string, "can't be removed")
                }
            }
            removeEmptyHome()
            removeTraces(directory)
        }
    }

    /// The VM's own directory, if nothing is left in it.
    private func removeEmptyHome() {
        guard reference.file.lastComponent?.string == "vm.params" else { return }
        _ = reference.file.removingLastComponent().withPlatformString { rmdir($0) }
    }

    /// Logs and run-time files; the lock last.
    private func removeTraces(_ directory: RuntimeDirectory) {
        for place in [paths.logs(reference.name), directory.path] {
            for name in (try? names(in: place)) ?? [] where name != "lock" { removeFile(place.appending(name)) }
        }
        removeFile(directory.lockFile)
        for place in [paths.logs(reference.name), directory.path] { _ = place.withPlatformString { rmdir($0) } }
    }
}
