import Glibc
import SystemPackage
import VMCore

/// A directory that was just made, and is removed again if its content can't be made.
package final class NewDirectory {
    private let place: FoundFile
    private let identity: FileIdentity?

    /// Makes it.
    ///
    /// - Throws: `.fileExists` if something is there already.
    package init(at place: consuming FoundFile, permissions: mode_t) throws(Errno) {
        try place.makeDirectory(permissions: permissions)
        do throws(Errno) { identity = try place.statusNow().map { FileIdentity($0) } } catch {
            // It may have been replaced meanwhile; only an empty directory is removed.
            place.removeEmptyDirectory()
            throw error
        }
        self.place = place
    }

    /// Waits until its name survives a power cut.
    package func syncName() throws(Errno) { try place.syncDirectory() }

    /// Removes it again if it is empty.
    package func remove() { if let identity { try? place.removeDirectory(identity) } }
}
