import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// The params files of VMs that no usual root shows, so that nothing is removed that such a VM stands on.
///
/// A note is a place to look at and nothing more: what is there is read anew each time, and a place where nothing is counts for
/// nothing. It stays noted as long as there are few, because the file system that it is on may only be unmounted.
///
/// Each line of the file is a path, as a JSON string.
package struct NotedPlaces {
    private let paths: Paths

    init(_ paths: Paths) { self.paths = paths }

    /// With more notes than this, those that lead nowhere are dropped.
    private static let many = 1000
    /// What is read of the file, in bytes.
    private static let limit = 16 << 20

    /// The noted params files. Some may be gone.
    ///
    /// - Throws: why that can't be told; `.denied` if another user could have written them.
    func files() throws(VMError) -> [FilePath] {
        do throws(Errno) {
            guard let directory = try status(of: paths.data), try isThere(paths.notes) else { return [] }
            guard RunFileOwnership.isOwn(directory) else { throw .notPermitted }
            let file = try OwnedDescriptor.regular(paths.notes, .readOnly)
            guard RunFileOwnership.isOwn(try file.status()) else { throw .notPermitted }
            return try readAll(file.descriptor, limit: Self.limit).split(separator: UInt8(ascii: "\n")).compactMap {
                guard case .string(let path)? = try? JSON(parsing: $0), path.hasPrefix("/") else { return nil }
                return FilePath(path)
            }
        } catch { throw .unusable(error, paths.notes) }
    }

    /// Notes where VMs are, and returns once the notes would survive a power cut. What the usual roots show needs none.
    ///
    /// - Throws: why they can't be written.
    package func note(_ files: [FilePath]) throws(VMError) {
        let files = files.filter { !isShown($0) }
        guard !files.isEmpty, !Set(files).isSubset(of: try self.files()) else { return }
        try change { known throws(VMError) in
            let new = files.filter { !known.contains($0) }
            guard known.count > Self.many else { return try append(new) }
            try replace(with: known.filter { !Self.isGone($0) } + new)
        }
    }

    /// Drops the note of a VM that was removed.
    func forget(_ file: FilePath) throws(VMError) {
        guard try files().contains(file) else { return }
        try change { known throws(VMError) in try replace(with: known.filter { $0 != file }) }
    }

    /// What the user should know if they can't be written.
    package func noting(_ files: [FilePath]) -> [String] {
        do throws(VMError) {
            try note(files)
            return []
        } catch {
            let what = files.count == 1 ? files[0].string : "\(files.count) VMs"
            return [
                "where \(what) is can't be noted, so a removal of images or templates does not see it: \(error.summary)"
            ]
        }
    }

    /// Whether every command of this user finds it, whatever roots it is given.
    private func isShown(_ file: FilePath) -> Bool {
        let directory = file.removingLastComponent()
        let root = file.lastComponent == "vm.params" ? directory.removingLastComponent() : directory
        return paths.usualRoots.contains(root)
    }

    /// A place that can't be looked at is not gone.
    private static func isGone(_ file: FilePath) -> Bool {
        do throws(Errno) { return try !isThere(file) } catch { return false }
    }

    private func change(_ edit: ([FilePath]) throws(VMError) -> Void) throws(VMError) {
        do throws(Errno) { try makeDirectories(paths.data, permissions: 0o755) } catch {
            throw .system(error, paths.data.string, "can't be made")
        }
        let path = paths.data.appending("places.lock")
        let lock = try ByteLockFile.make(path, permissions: 0o600)
        guard try lock.take(0, of: path, by: Deadline(in: .seconds(10))) else {
            throw VMError(
                .busy, path.string, "is locked by another process", remedy: "\(command: "lslocks") says which")
        }
        defer { lock.giveBack(0) }
        try edit(files())
    }

    /// A line that was cut off by a power cut is ended first: it is no note.
    private func append(_ files: [FilePath]) throws(VMError) {
        do throws(Errno) {
            let isNew = try !isThere(paths.notes)
            let file = try openOwn(paths.notes, .readWrite, flags: O_APPEND, permissions: 0o600)
            let size = Int64(try file.status().st_size)
            let last = try readBytes(of: file.rawValue, at: size - 1, count: 1).last
            let end = last == nil || last == UInt8(ascii: "\n") ? "" : "\n"
            try writeAll(Array((end + Self.text(files)).utf8), to: file.descriptor)
            try syncToDisk(file)
            if isNew { try syncDirectory(paths.data) }
        } catch { throw .system(error, paths.notes.string, "can't be written") }
    }

    private func replace(with files: [FilePath]) throws(VMError) {
        do throws(Errno) {
            try replaceFile(paths.notes, with: Array(Self.text(files).utf8), permissions: 0o600, lasting: true)
        } catch { throw .system(error, paths.notes.string, "can't be written") }
    }

    private static func text(_ files: [FilePath]) -> String {
        files.map { JSON.string($0.string).text + "\n" }.joined()
    }
}

extension Site {
    /// Where VMs are that the usual roots do not show.
    package var noted: NotedPlaces { NotedPlaces(paths) }

    /// Every params file that is known of: those under the roots, those under the roots that commands without named ones
    /// have, and the noted ones. For what may take something from a VM that this command was not told of.
    func everyDefinition() -> Definitions {
        let usual = paths.usualRoots.filter { !paths.roots.contains($0) }
        var all = Definitions(under: paths.roots + usual)
        all.missing.removeAll(where: usual.contains)
        do throws(VMError) { all.add(Definitions(at: try noted.files().filter { !all.files.contains($0) })) } catch {
            all.unseen.append(error)
        }
        return all
    }
}

extension Definitions {
    /// Adds what others are, each file once.
    fileprivate mutating func add(_ others: Definitions) {
        guard !others.files.isEmpty || !others.unseen.isEmpty else { return }
        unseen += others.unseen
        let known = FileIndex(files, by: \.self)
        // What can't be identified is looked at twice rather than not at all.
        files += others.files.filter { file in
            do throws(VMError) { return try known.value(of: file) == nil } catch { return true }
        }
    }
}
