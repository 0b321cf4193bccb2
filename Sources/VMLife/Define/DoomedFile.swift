import Glibc
import SystemPackage
import VMCore
import VMHost

/// A file that is to be removed: the one that was looked at, in the directory that it was in then, and no other that is put
/// in its place.
final class DoomedFile {
    /// As it was named.
    let path: FilePath
    let status: stat
    /// Which directory it is in.
    let directory: FileIdentity
    private let place: FoundFile

    /// Looks at it; nil where nothing is there.
    init?(_ path: FilePath, _ trust: FileTrust) throws(VMError) {
        do throws(PathWalk.Failure) {
            let place = try trust.find(path)
            guard let status = place.status else { return nil }
            do throws(Errno) { directory = try place.directoryIdentity() } catch { throw .system(error, path) }
            self.path = path
            self.status = status
            self.place = place
        } catch {
            switch error {
            case .system(.noSuchFileOrDirectory, _), .system(.notDirectory, _): return nil
            case .system(let errno, _): throw .system(errno, path.string, "can't be looked at")
            case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: path.string)
            }
        }
    }

    /// Removes it. One that is gone already is as good as removed.
    func remove() throws(VMError) {
        do throws(Errno) { try place.remove(FileIdentity(status)) } catch .noSuchFileOrDirectory {
            return
        } catch .staleNFSFileHandle {
            throw VMError(
                .busy, path.string, "is another file by now, and is not removed",
                remedy: "see what it is, and try again")
        } catch {
            throw .system(error, path.string, "can't be removed")
        }
    }

    /// Removes the directory that it was in, if that is what its path leads to, and nothing is left in it.
    func removeEmptyDirectory(_ trust: FileTrust) {
        guard let found = try? trust.find(path.removingLastComponent()), found.identity == directory else { return }
        try? found.removeDirectory(directory)
    }
}
