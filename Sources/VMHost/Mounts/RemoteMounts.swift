import Glibc
import Synchronization
import SystemPackage
import VMCore

/// The file systems of this host that somebody else answers for, a server or a program: what touches one may wait for ever.
///
/// Everything that looks at a path asks here first; a host without such file systems pays for one look at the table of
/// mounts. What lies on one is looked at by another process, with a deadline; one that has not answered once is not asked
/// again.
package final class RemoteMounts: Sendable {
    /// Those of this process's mount namespace, as they were when it was first asked for them; nil: there are none.
    private static let current: RemoteMounts? = {
        let table = MountTable((try? readLocal("/proc/self/mountinfo", limit: 1 << 24)) ?? [])
        return table.remote.isEmpty ? nil : RemoteMounts(table)
    }()

    private let mounts: [FilePath: Mount]
    private let readers: [FilePath: RemoteReader]
    /// Directories that are known to be no links and on no remote file system.
    private let plain = Mutex<Set<FilePath>>([])

    init(_ table: MountTable) {
        mounts = table.remote
        readers = table.remote.mapValues { _ in RemoteReader() }
    }

    /// What looks at a path for this process; nil where it can look itself.
    package static func reader(of path: FilePath) -> RemoteReader? {
        guard let current, let mount = current.mount(on: path) else { return nil }
        return current.readers[mount.path]
    }

    /// The first such file system on the way that a path leads, through links too, without setting foot on it.
    func mount(on path: FilePath) -> Mount? {
        var way = path
        // As many links as the kernel follows (path_resolution(7)).
        for _ in 0..<40 {
            switch step(along: way) {
            case .remote(let mount): return mount
            case .end: return nil
            case .link(let next): way = next
            }
        }
        return nil
    }

    private enum Step {
        case remote(Mount)
        /// The path leads on to another one.
        case link(FilePath)
        case end
    }

    private func step(along path: FilePath) -> Step {
        var place: FilePath = "/"
        var rest = Array(path.components)[...]
        while let part = rest.popFirst() {
            guard part.kind == .regular else {
                // `..`: what was passed so far has no links in it.
                if part.kind == .parentDirectory { place.removeLastComponent() }
                continue
            }
            place.append(part)
            if let mount = mounts[place] { return .remote(mount) }
            if plain.withLock({ $0.contains(place) }) { continue }
            guard let target = Self.target(of: place) else {
                if !rest.isEmpty { _ = plain.withLock { $0.insert(place) } }
                continue
            }
            return .link(
                target.isAbsolute ? target.pushing(rest) : place.removingLastComponent().pushing(target).pushing(rest))
        }
        return .end
    }

    /// Where a link leads; nil where the path is none.
    private static func target(of path: FilePath) -> FilePath? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let text = buffer.baseAddress else { return nil }
            let length = path.withPlatformString { readlink($0, text, buffer.count - 1) }
            guard length > 0 else { return nil }
            text[length] = 0
            return FilePath(platformString: text)
        }
    }

    /// Finds out whether anything answers where a path leads, before this process sets foot there.
    ///
    /// - Throws: `.timedOut` where nothing does; why nobody could ask. What is there, and whether it may be looked at, whoever
    ///   looks next finds out.
    package static func refuseSilent(at path: FilePath) throws(Errno) { try reader(of: path)?.touch(path) }

    /// Whether a path leads to a mount that has not answered.
    package static func isSilent(_ path: FilePath) -> Bool { reader(of: path)?.isSilent ?? false }

    /// The first such file system on a path's way; nil where there is none.
    static func mount(at path: FilePath) -> Mount? { current?.mount(on: path) }

    /// The file system of a device number (stat(2), st_dev) that a program serves; nil where it is another one.
    ///
    /// - Throws: why that can't be seen.
    static func served(_ device: UInt64) throws(Errno) -> Mount? {
        // Those of the kernel's own block devices have a number of a driver's.
        let number = BlockDevice(number: device)
        guard number.text.hasPrefix("0:"), others.withLock({ !$0.contains(device) }) else { return nil }
        // It may have been mounted since the table was read first.
        let table = MountTable(try readLocal("/proc/self/mountinfo", limit: 1 << 24))
        if let found = table.remote.values.first(where: { $0.device == number.text && $0.server != nil }) {
            return found
        }
        others.withLock { _ = $0.insert(device) }
        return nil
    }

    /// Device numbers of file systems that no program serves.
    private static let others = Mutex<Set<UInt64>>([])

    /// What to do about those that have not answered, where that is why a call failed; nil where all have.
    static func remedy(for errno: Errno) -> Remedy? {
        guard errno == .timedOut else { return nil }
        let silent = (current?.mounts.values ?? [:].values).filter { current?.readers[$0.path]?.isSilent == true }
        guard !silent.isEmpty else { return nil }
        let words = silent.map(\.description).sorted().joined(separator: " and ")
        return "nothing answers for \(words): see to what serves it, or unmount it"
    }

    /// Whether two paths can't be one file, since they lie on different file systems.
    package static func areApart(_ one: FilePath, _ other: FilePath) -> Bool {
        guard let current else { return false }
        return current.mount(on: one)?.device != current.mount(on: other)?.device
    }
}

extension VMError {
    /// The failure of a system call on `subject`, with the code that its errno stands for.
    package static func system(_ errno: Errno, _ subject: String, _ doing: String, remedy: Remedy? = nil) -> VMError {
        VMError(failed: errno, subject, doing, remedy: remedy ?? RemoteMounts.remedy(for: errno))
    }
}

extension FilePath {
    fileprivate func pushing(_ rest: ArraySlice<FilePath.Component>) -> FilePath {
        var path = self
        for part in rest { path.append(part) }
        return path
    }
}
