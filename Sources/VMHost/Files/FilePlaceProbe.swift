import Glibc
import SystemPackage
import VMCore

extension FilePlace {
    /// The file that a path leads to, or will lead to once it is made; nil if that can't be determined.
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

    /// The place of an existing file.
    init(_ file: stat) {
        self = file.kind == S_IFBLK ? .device(UInt64(file.st_rdev)) : .file(FileIdentity(file))
    }
}

extension FoundFile {
    /// What distinguishes it from every other file; nil if that can't be determined.
    var place: FilePlace? {
        if let status { return FilePlace(status) }
        guard let directory = try? directoryIdentity(), let name = path.lastComponent else { return nil }
        return .absent(in: directory, name: name.string)
    }
}
