import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// The params files of VMs that no usual root shows, so that nothing is removed that such a VM stands on.
///
/// A note is a place to look at and nothing more: what is there is read anew each time. A place where nothing is counts for
/// nothing, unless its file system is not mounted: then the VM can't be looked at. It stays noted as long as there are few.
///
/// Each line of the file is a JSON array: the path, and where its file system is mounted.
package struct NotedPlaces {
    private let paths: Paths

    private struct Note {
        var file: FilePath
        var mountPoint: FilePath

        init(_ file: FilePath) {
            self.file = file
            mountPoint = file.mountPoint
        }

        /// - Returns: nil if the line is none of ours.
        init?(line: some Sequence<UInt8>) {
            guard case .array(let values)? = try? JSON(parsing: Array(line)), values.count == 2,
                case .string(let file) = values[0], case .string(let mountPoint) = values[1],
                file.hasPrefix("/"), mountPoint.hasPrefix("/")
            else { return nil }
            (self.file, self.mountPoint) = (FilePath(file), FilePath(mountPoint))
        }

        var line: String { JSON.array([.string(file.string), .string(mountPoint.string)]).text + "\n" }

        var isUnmounted: Bool { mountPoint.mountPoint != mountPoint }
    }

    init(_ paths: Paths) { self.paths = paths }

    /// With more notes than this, those that lead nowhere are dropped.
    private static let many = 1000
    /// What is read of the file, in bytes.
    private static let limit = 16 << 20

    /// The noted params files. Some may be gone.
    ///
    /// - Throws: why that can't be told; `.denied` if another user could have written them, `.badData` if they are damaged.
    func files() throws(VMError) -> [FilePath] { try notes().map(\.file) }

    private func notes() throws(VMError) -> [Note] {
        let text: [UInt8]
        do throws(Errno) {
            guard let directory = try status(of: paths.data) else { return [] }
            guard RunFileOwnership.isOwn(directory) else { throw .notPermitted }
            let file: OwnedDescriptor
            do throws(Errno) { file = try .regular(paths.notes, .readOnly) } catch .noSuchFileOrDirectory { return [] }
            guard RunFileOwnership.isOwn(try file.status()) else { throw .notPermitted }
            text = try readAll(file.descriptor, limit: Self.limit)
        } catch { throw .unusable(error, paths.notes) }
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // A note that a power cut has cut off was of a VM that was not made then.
        _ = lines.popLast()
        var notes: [Note] = []
        for (number, line) in lines.enumerated() where !line.isEmpty {
            guard let note = Note(line: line) else {
                throw VMError(
                    .badData, "\(paths.notes):\(number + 1)", "is damaged: it is to say where a VM is",
                    remedy: "remove the line; a VM that it was about is noted again when it starts")
            }
            notes.append(note)
        }
        return notes
    }

    /// What is at the noted places, besides files that are known.
    fileprivate func definitions(besides known: [FilePath]) throws(VMError) -> Definitions {
        let known = Set(known)
        let notes = try notes().filter { !known.contains($0.file) }
        var found = Definitions(at: notes.map(\.file))
        let seen = Set(found.files)
        for note in notes where !seen.contains(note.file) && note.isUnmounted {
            found.unseen.append(
                VMError(
                    .unavailable, note.file.string, "can't be looked at: nothing is mounted on \(note.mountPoint) now"))
        }
        return found
    }

    /// Notes where VMs are, and returns once the notes would survive a power cut. What the usual roots show needs none.
    ///
    /// - Throws: why they can't be written.
    package func note(_ files: [FilePath]) throws(VMError) {
        let files = files.filter { !isShown($0) }
        guard !files.isEmpty, !Set(files).isSubset(of: try self.files()) else { return }
        try change { known throws(VMError) in
            let noted = Set(known.map(\.file))
            let new = files.filter { !noted.contains($0) }.map { Note($0) }
            guard known.count > Self.many else { return try append(new) }
            try replace(with: known.filter { !Self.isGone($0) } + new)
        }
    }

    /// Drops the note of a VM that was removed.
    func forget(_ file: FilePath) throws(VMError) {
        guard try files().contains(file) else { return }
        try change { known throws(VMError) in try replace(with: known.filter { $0.file != file }) }
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
    private static func isGone(_ note: Note) -> Bool {
        do throws(Errno) { return try !isThere(note.file) && !note.isUnmounted } catch { return false }
    }

    private func change(_ edit: ([Note]) throws(VMError) -> Void) throws(VMError) {
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
        try edit(notes())
    }

    /// A line that was cut off by a power cut is removed first: it is no note.
    private func append(_ notes: [Note]) throws(VMError) {
        do throws(Errno) {
            let isNew = try !isThere(paths.notes)
            let file = try openOwn(paths.notes, .readWrite, flags: O_APPEND, permissions: 0o600)
            let size = Int64(try file.status().st_size)
            let last = try readBytes(of: file.rawValue, at: size - 1, count: 1).last
            if last != nil, last != UInt8(ascii: "\n") { try cutLastLine(of: file) }
            try writeAll(Array(Self.text(notes).utf8), to: file.descriptor)
            try syncToDisk(file)
            if isNew { try syncDirectory(paths.data) }
        } catch { throw .system(error, paths.notes.string, "can't be written") }
    }

    private func cutLastLine(of file: borrowing OwnedDescriptor) throws(Errno) {
        let text = try readAll(file.descriptor, limit: Self.limit)
        let size = text.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if ftruncate(file.rawValue, off_t(size)) != 0 { throw Errno(rawValue: errno) }
    }

    private func replace(with notes: [Note]) throws(VMError) {
        do throws(Errno) {
            try replaceFile(paths.notes, with: Array(Self.text(notes).utf8), permissions: 0o600, lasting: true)
        } catch { throw .system(error, paths.notes.string, "can't be written") }
    }

    private static func text(_ notes: [Note]) -> String { notes.map(\.line).joined() }
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
        do throws(VMError) { all.add(try noted.definitions(besides: all.files)) } catch { all.unseen.append(error) }
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

extension FilePath {
    /// The root of the file system that it is on: the topmost of its ancestors on the same device. What is not there is on that of
    /// the nearest that is.
    fileprivate var mountPoint: FilePath {
        var (place, point) = (self, nil as FilePath?)
        var device: dev_t?
        while true {
            let found: stat?
            // What can't be looked at is on the device of what is above it, as far as is known.
            do throws(Errno) { found = try status(of: place) } catch { found = nil }
            if let found {
                if let device, device != found.st_dev { return point ?? place }
                (device, point) = (found.st_dev, place)
            }
            guard place.removeLastComponent() else { return point ?? place }
        }
    }
}
