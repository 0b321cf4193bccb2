import Glibc
import SystemPackage
import VMCore

/// A directory that was just made, and goes again where what was to be in it can't be made.
package final class NewDirectory {
    private let place: FoundFile
    private let identity: FileIdentity?

    /// Makes it.
    ///
    /// - Throws: `.fileExists` where something is there already.
    package init(at place: consuming FoundFile, permissions: mode_t) throws(Errno) {
        try place.makeDirectory(permissions: permissions)
        do throws(Errno) { identity = try place.statusNow().map { FileIdentity($0) } } catch {
            // Whichever it is by now: only an empty one goes.
            place.removeEmptyDirectory()
            throw error
        }
        self.place = place
    }

    /// Waits until its name survives a power cut.
    package func syncName() throws(Errno) { try place.syncDirectory() }

    /// Takes it back, if nothing is in it.
    package func remove() { if let identity { try? place.removeDirectory(identity) } }
}
