import Glibc
import SystemPackage
import VMCore
import VMHost

extension Machine {
    /// The error with which a start would fail to create the files that it needs. Touches nothing.
    func obstacleToRun() -> VMError? {
        let path = directory.path
        do throws(Errno) {
            if let directory = try status(of: path) {
                do throws(VMError) { try RunFileOwnership.refuseForeign(directory, at: path) } catch { return error }
            }
            try Self.refuseClosed(path)
        } catch { return directory.cannotMake(error) }
        do throws(Errno) { try Self.refuseClosed(paths.logs(name)) } catch {
            return RunLog.cannotBegin(paths.record(name), error)
        }
        return nil
    }

    /// Throws if nothing can be created in a directory, or, if it does not exist, in the nearest directory above it.
    private static func refuseClosed(_ directory: FilePath) throws(Errno) {
        var place = directory
        while try status(of: place) == nil, place.removeLastComponent() {}
        if let found = try status(of: place), found.st_mode & S_IFMT != S_IFDIR { throw .notDirectory }
        guard place.withPlatformString({ access($0, W_OK | X_OK) }) == 0 else { throw Errno(rawValue: errno) }
    }
}
