import Glibc
import SystemPackage
import VMCore

extension FilePlace {
    /// What a path leads to, or would lead to once it is made there; nil where that can't be seen.
    package init?(of path: FilePath) {
        do throws(Errno) {
            if let found = try status(of: path) {
                self = FilePlace(found)
                return
            }
            guard let directory = try status(of: path.removingLastComponent()), let name = path.lastComponent else {
                return nil
            }
            self = .absent(in: FileIdentity(directory), name: name.string)
        } catch { return nil }
    }

    /// What stat(2) says of it.
    init(_ file: stat) {
        self = file.kind == S_IFBLK ? .device(UInt64(file.st_rdev)) : .file(FileIdentity(file))
    }
}

extension FoundFile {
    /// What tells it from all others; nil where that can't be seen.
    var place: FilePlace? {
        if let status { return FilePlace(status) }
        guard let directory = try? directoryIdentity(), let name = path.lastComponent else { return nil }
        return .absent(in: directory, name: name.string)
    }
}
