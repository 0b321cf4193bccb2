import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// That a VM exists for one run of a command: RUN/ephemeral/NAME, which that command holds a lock on.
///
/// Without the lock the command is gone, however it ended, and whoever finds the file removes what is left of the VM. Unless
/// the file says that the VM is to stay: then it is an ordinary VM while it runs.
package struct EphemeralMark: ~Copyable {
    /// The VM's name.
    package let name: VMName
    private let path: FilePath
    private let file: ByteLockFile

    private static let byte: Int64 = 0
    /// What the file says of a VM that is to stay.
    private static let kept = "kept\n"

    /// Marks a new VM with a name that no other has.
    package static func make(in paths: Paths) throws(VMError) -> EphemeralMark {
        try makePrivateDirectory(paths.ephemeral, below: paths.run)
        for _ in 0..<100 {
            guard let name = VMName("run-\(randomWord)") else { continue }
            let path = paths.ephemeral.appending(name.description)
            do throws(Errno) {
                let (marked, started) = (try isThere(path), try isThere(paths.machine(name)))
                if try isThere(paths.logs(name)) { continue }
                if marked || started { continue }
            } catch { throw .system(error, path.string, "can't tell whether a VM has that name") }
            let file = try ByteLockFile.make(path, permissions: 0o600)
            // Who removes what is left over may have found it before it was locked.
            guard try file.take(byte, of: path), file.isStillAt(path) else { continue }
            return EphemeralMark(name: name, path: path, file: file)
        }
        throw VMError(.busy, paths.ephemeral.string, "no name for a VM is free", remedy: "try again")
    }

    private static var randomWord: String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<6).compactMap { _ in letters.randomElement() })
    }

    /// Says that the VM is to stay.
    package func keep() throws(VMError) {
        do throws(Errno) { try writeAll(Array(Self.kept.utf8), to: file.descriptor) } catch {
            throw .system(error, path.string, "can't be written")
        }
    }

    /// Whether a VM of this name is to stay.
    package static func isKept(_ name: VMName, in paths: Paths) throws(VMError) -> Bool {
        let path = paths.ephemeral.appending(name.description)
        do throws(Errno) { return try readOwnFile(path, limit: 16) == Array(kept.utf8) } catch .noSuchFileOrDirectory {
            return false
        } catch { throw .system(error, path.string, "can't be read") }
    }

    /// Removes it, once nothing is left of the VM.
    package consuming func remove() { removeFile(path) }

    /// A VM whose command is gone.
    package struct Abandoned {
        package let name: VMName
        /// When it was said that it is to stay; nil: it is not.
        package let kept: Moment?
    }

    /// Does something with each VM whose command is gone.
    ///
    /// - Parameter remove: removes what is left of it, and returns whether nothing is.
    package static func sweep(_ paths: Paths, _ remove: (Abandoned) -> Bool) throws(VMError) {
        for text in try RunFileOwnership.names(in: paths.ephemeral) {
            let path = paths.ephemeral.appending(text)
            guard let name = VMName(text), let file = try open(path), try file.take(byte, of: path),
                file.isStillAt(path)
            else { continue }
            let mark = EphemeralMark(name: name, path: path, file: file)
            if try remove(mark.abandoned()) { mark.remove() }
        }
    }

    private static func open(_ path: FilePath) throws(VMError) -> ByteLockFile? {
        do throws(Errno) { return try ByteLockFile(changing: path) } catch .noSuchFileOrDirectory {
            return nil
        } catch { throw .unusable(error, path) }
    }

    private borrowing func abandoned() throws(VMError) -> Abandoned {
        do throws(Errno) {
            let says = try readAll(file.descriptor, limit: 16)
            guard says == Array(Self.kept.utf8), let written = try status(of: path)?.st_mtim else {
                return Abandoned(name: name, kept: nil)
            }
            return Abandoned(name: name, kept: Moment(microseconds: Int64(written.tv_sec) * 1_000_000))
        } catch { throw .system(error, path.string, "can't be read") }
    }
}
