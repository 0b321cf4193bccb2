import SystemPackage
import VMCore
import VMHost

/// What is known of some files, found by any path that leads to one of them.
struct FileIndex<Value> {
    private var byPath: [FilePath: Value] = [:]
    private var byIdentity: [FileIdentity: Value] = [:]
    /// Those that can't be looked at: which files they are is not known.
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

    /// What is known of the file at just this path. Looks at nothing.
    func value(at path: FilePath) -> Value? { byPath[path] }

    /// What is known of a file, maybe by another path.
    ///
    /// - Throws: why that can't be told.
    func value(of file: FilePath) throws(VMError) -> Value? {
        if let value = byPath[file] { return value }
        guard !byPath.isEmpty else { return nil }
        do throws(Errno) {
            if let found = try status(of: file), let value = byIdentity[FileIdentity(found)] { return value }
        } catch {
            // One on a file system that does not answer is none of those that lie elsewhere.
            if byPath.keys.allSatisfy({ RemoteMounts.areApart($0, file) }) { return nil }
            throw .system(error, file.string, "can't be looked at")
        }
        for (path, value) in unseen {
            do throws(Errno) { if try isSameFile(path, file) { return value } } catch {
                throw .system(error, file.string, "whether it is \(path) can't be seen")
            }
        }
        return nil
    }
}
