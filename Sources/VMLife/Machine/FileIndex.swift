import SystemPackage
import VMCore
import VMHost

/// Values that belong to files, found by any path that leads to the file.
struct FileIndex<Value> {
    private var byPath: [FilePath: Value] = [:]
    private var byIdentity: [FileIdentity: Value] = [:]
    /// The values whose file can't be accessed, so that its identity is not known.
    private var unseen: [(path: FilePath, value: Value)] = []

    /// - Parameter path: the path of a value's file, absolute.
    init(_ values: [Value], by path: KeyPath<Value, FilePath>) {
        for value in values {
            byPath[value[keyPath: path]] = value
            do throws(Errno) {
                if let found = try status(of: value[keyPath: path]) { byIdentity[FileIdentity(found)] = value }
            } catch { unseen.append((value[keyPath: path], value)) }
        }
    }

    /// The value at exactly this path. Accesses no file.
    func value(at path: FilePath) -> Value? { byPath[path] }

    /// The value of a file, even if it is known by another path.
    ///
    /// - Throws: why the file can't be identified.
    func value(of file: FilePath) throws(VMError) -> Value? {
        if let value = byPath[file] { return value }
        guard !byPath.isEmpty else { return nil }
        do throws(Errno) {
            if let found = try status(of: file), let value = byIdentity[FileIdentity(found)] { return value }
        } catch {
            // A file on a file system that does not respond is none of the files on other file systems.
            if byPath.keys.allSatisfy({ RemoteMounts.areApart($0, file) }) { return nil }
            throw .system(error, file.string, "can't be accessed")
        }
        for (path, value) in unseen {
            do throws(Errno) { if try isSameFile(path, file) { return value } } catch {
                throw .system(error, file.string, "can't tell whether it is \(path)")
            }
        }
        return nil
    }
}
