import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// O_TMPFILE of open(2), a macro that Swift can't read (asm-generic/fcntl.h).
let temporaryFile: CInt = 0o20_000_000 | O_DIRECTORY

/// A file that gets its name only when it is complete. Until then it vanishes with this process, or at a power cut.
package final class NewFile {
    /// Its future directory and name.
    private let place: FoundFile
    private let file: OwnedDescriptor
    /// Which file it is.
    let identity: FileIdentity
    private var hasName: Bool

    /// Makes it without a name, or with its name if the file system has no O_TMPFILE.
    ///
    /// - Parameter fill: writes the content. If that fails, nothing is left behind.
    /// - Throws: `.fileExists` if something is there already.
    package init(
        at place: consuming FoundFile, permissions: mode_t, fill: (borrowing OwnedDescriptor) throws(Errno) -> Void
    ) throws(Errno) {
        guard place.status == nil else { throw .fileExists }
        if let unnamed = try Self.openUnnamed(place, permissions) {
            file = unnamed
            hasName = false
        } else {
            file = try place.create(.writeOnly, permissions: permissions)
            hasName = true
        }
        identity = FileIdentity(try file.status())
        self.place = place
        do throws(Errno) { try fill(file) } catch {
            remove()
            throw error
        }
    }

    private static func openUnnamed(
        _ place: borrowing FoundFile, _ permissions: mode_t
    ) throws(Errno) -> OwnedDescriptor? {
        do throws(Errno) {
            return try place.openInDirectory(.readWrite, flags: temporaryFile, permissions: permissions)
        } catch .notSupported, .isDirectory {
            return nil
        }
    }

    /// Its future path.
    package var path: FilePath { place.path }

    /// The file itself, open for writing.
    package var descriptor: FileDescriptor { file.descriptor }

    /// Its size in bytes so far.
    package var size: Int64 { (try? file.status()).map { Int64($0.st_size) } ?? 0 }

    /// What shows whether it is written to later.
    package func stamp() throws(Errno) -> MediumStamp { try MediumStamp(file) }

    /// Waits until its content survives a power cut.
    package func sync() throws(Errno) { try syncToDisk(file) }

    /// Gives it its name. Nothing is ever overwritten.
    package func putInPlace() throws(Errno) {
        guard !hasName else { return }
        try place.give(name: file)
        hasName = true
    }

    /// Replaces another file in its directory. Until then it has its own name there, if only for a moment.
    package func replace(_ old: borrowing FoundFile) throws(Errno) {
        try putInPlace()
        try old.takeOver(from: place)
        hasName = false
    }

    /// Waits until its name survives a power cut.
    package func syncName() throws(Errno) { try place.syncDirectory() }

    /// Removes it again.
    package func remove() {
        if hasName { try? place.remove(identity) }
        hasName = false
    }
}

/// Waits until the names in a directory would survive a power cut.
package func syncDirectory(_ path: FilePath) throws(Errno) {
    let directory = try OwnedDescriptor.directory(path)
    try syncToDisk(directory)
}

/// fsync(2). A file system that does not support it for such a file is no error.
package func syncToDisk(_ file: borrowing OwnedDescriptor) throws(Errno) {
    guard fsync(file.rawValue) != 0, errno != EINVAL else { return }
    throw Errno(rawValue: errno)
}
