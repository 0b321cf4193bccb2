import Glibc
import SystemPackage
import VMCore
import VMHost

/// A file to be removed: the very file that was inspected, in the directory that it was in then, and never a file that
/// has replaced it since.
final class FileToRemove {
    /// Its path, as given.
    let path: FilePath
    let status: stat
    /// The identity of its directory.
    let directory: FileIdentity
    private let place: FoundFile

    /// Inspects the file; nil if there is none.
    ///
    /// - Parameter isUnlinked: whether a symbolic link is refused, and not followed.
    init?(_ path: FilePath, _ trust: FileTrust, isUnlinked: Bool = false) throws(VMError) {
        do throws(PathWalk.Failure) {
            let place = isUnlinked ? try trust.findUnlinked(path) : try trust.find(path)
            guard let status = place.status else { return nil }
            do throws(Errno) { directory = try place.directoryIdentity() } catch { throw .system(error, path) }
            self.path = path
            self.status = status
            self.place = place
        } catch {
            switch error {
            case .system(.noSuchFileOrDirectory, _), .system(.notDirectory, _): return nil
            case .system(.tooManySymbolicLinkLevels, _) where isUnlinked: throw .isLink(path)
            case .system(let errno, _): throw .system(errno, path.string, "can't be accessed")
            case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: path.string)
            }
        }
    }

    /// Removes it. A file that is already gone counts as removed.
    func remove() throws(VMError) {
        do throws(Errno) { try place.remove(FileIdentity(status)) } catch .noSuchFileOrDirectory {
            return
        } catch .staleNFSFileHandle {
            throw replaced
        } catch {
            throw .system(error, path.string, "can't be removed")
        }
    }

    /// Refuses a file that has replaced it.
    func refuseReplaced() throws(VMError) {
        do throws(Errno) {
            guard let now = try place.statusNow(), FileIdentity(now) != FileIdentity(status) else { return }
        } catch { throw .system(error, path.string, "can't be accessed") }
        throw replaced
    }

    private var replaced: VMError {
        VMError(
            .busy, path.string, "was replaced by another file, which is not removed",
            remedy: "see what it is, and try again")
    }

    /// Removes its directory, if the path still leads to that one and it is empty.
    func removeEmptyDirectory(_ trust: FileTrust) {
        guard let found = try? trust.find(path.removingLastComponent()), found.identity == directory else { return }
        try? found.removeDirectory(directory)
    }
}

extension VMError {
    /// The refusal of a symbolic link where a file has to be.
    static func isLink(_ path: FilePath) -> VMError {
        VMError(
            .badData, path.string, "is a symbolic link: what it leads to is neither removed nor replaced",
            remedy: "put the file itself there")
    }
}
