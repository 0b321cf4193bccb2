import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// A file that a command writes for its user, in whatever directory that names: complete under its name, or not there.
package struct ReplacedFile: ~Copyable {
    private let path: FilePath
    private let name: FilePath.Component
    private let directory: OwnedDescriptor

    /// Opens the directory of the file. Nothing is changed yet.
    ///
    /// - Throws: `.cannotCreate` if something else than a file is there, which would be lost or written through; `.denied`
    ///   if another user could change where the path leads; why it can't be told.
    package static func at(_ path: FilePath, _ trust: FileTrust) throws(VMError) -> ReplacedFile {
        guard let name = path.lastComponent, name.kind == .regular else {
            throw VMError(.cannotCreate, path.string, "is not the name of a file", remedy: "name a file")
        }
        let file = ReplacedFile(path: path, name: name, directory: try directory(of: path, trust))
        var found = stat()
        let result = name.withPlatformString { fstatat(file.directory.rawValue, $0, &found, AT_SYMLINK_NOFOLLOW) }
        guard result == 0 else {
            if errno == ENOENT { return file }
            throw .system(Errno(rawValue: errno), path.string, "can't be accessed")
        }
        guard found.kind == S_IFREG else {
            throw VMError(
                .cannotCreate, path.string, "exists, and is not a regular file", remedy: "name another file")
        }
        return file
    }

    private init(path: FilePath, name: FilePath.Component, directory: consuming OwnedDescriptor) {
        self.path = path
        self.name = name
        self.directory = directory
    }

    private static func directory(of path: FilePath, _ trust: FileTrust) throws(VMError) -> OwnedDescriptor {
        let parent = path.removingLastComponent()
        do throws(PathWalk.Failure) { return try trust.directory(parent) } catch {
            switch error {
            case .system(.noSuchFileOrDirectory, let place):
                throw VMError(
                    .cannotCreate, place.string, "there is no such directory",
                    remedy: .run("create it", "mkdir -p \(parent)"))
            case .system(let errno, let place): throw .system(errno, place.string, "can't be written to")
            case .distrusted(let distrust): throw distrust.refusal(toMake: path)
            }
        }
    }

    /// Writes the content, and gives it the name, which a file that has it loses. A link is replaced, not followed.
    ///
    /// - Throws: why it can't be written; then whatever had the name still has it.
    package consuming func write(_ bytes: [UInt8]) throws(VMError) {
        do throws(Errno) {
            let random = UInt64.random(in: .min ... .max)
            guard let temporary = FilePath.Component(".\(name).\(String(random, radix: 36))") else {
                throw .invalidArgument
            }
            let place = FoundFile(
                directory: try OwnedDescriptor(returned: fcntl(directory.rawValue, F_DUPFD_CLOEXEC, 3)),
                name: temporary, path: path, status: nil)
            let file = try NewFile(at: place, permissions: 0o666) { out throws(Errno) in
                try writeAll(bytes, to: out.descriptor)
            }
            try file.putInPlace()
            let renamed = temporary.withPlatformString { old in
                name.withPlatformString { renameat(directory.rawValue, old, directory.rawValue, $0) }
            }
            guard renamed != 0 else { return }
            let failure = Errno(rawValue: errno)
            file.remove()
            throw failure
        } catch { throw .system(error, path.string, "can't be written") }
    }
}
