import Glibc
import Synchronization
import SystemPackage
import VMCore

/// The file systems of this host that depend on a server or a program. Touching one may wait for ever.
///
/// All file access asks here first. On a host without such file systems this costs one read of the mount table. Files
/// on them are read by another process, with a deadline. A file system that did not answer once is not asked again.
package final class RemoteMounts: Sendable {
    /// Those of this process's mount namespace, as first read; nil if there are none.
    private static let current: RemoteMounts? = {
        let table = MountTable((try? readLocal("/proc/self/mountinfo", limit: 1 << 24)) ?? [])
        return table.remote.isEmpty ? nil : RemoteMounts(table)
    }()

    private let mounts: [FilePath: Mount]
    private let readers: [FilePath: RemoteReader]
    /// Directories known to be no links and to be on no remote file system.
    private let plain = Mutex<Set<FilePath>>([])

    init(_ table: MountTable) {
        mounts = table.remote
        readers = table.remote.mapValues { _ in RemoteReader() }
    }

    /// The process that reads a path on behalf of this one; nil if the path is local.
    package static func reader(of path: FilePath) -> RemoteReader? {
        guard let current, let mount = current.mount(on: path) else { return nil }
        return current.readers[mount.path]
    }

    /// The first remote file system that a path leads through, links included. It is not touched.
    func mount(on path: FilePath) -> Mount? {
        var way = path
        // The kernel's limit on links (path_resolution(7)).
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
        /// The path continues as another one.
        case link(FilePath)
        case end
    }

    private func step(along path: FilePath) -> Step {
        var place: FilePath = "/"
        var rest = Array(path.components)[...]
        while let part = rest.popFirst() {
            guard part.kind == .regular else {
                // `..`: the path so far contains no links.
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

    /// A link's target; nil if the path is no link.
    private static func target(of path: FilePath) -> FilePath? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let text = buffer.baseAddress else { return nil }
            let length = path.withPlatformString { readlink($0, text, buffer.count - 1) }
            guard length > 0 else { return nil }
            text[length] = 0
            return FilePath(platformString: text)
        }
    }

    /// Checks that a path's file system answers, before this process touches it.
    ///
    /// - Throws: `.timedOut` if it does not; why it could not be asked. Whether the file exists and may be read is not
    ///   checked.
    package static func refuseSilent(at path: FilePath) throws(Errno) { try reader(of: path)?.touch(path) }

    /// Whether a path leads to a mount that has not answered.
    package static func isSilent(_ path: FilePath) -> Bool { reader(of: path)?.isSilent ?? false }

    /// The first remote file system that a path leads through; nil if there is none.
    static func mount(at path: FilePath) -> Mount? { current?.mount(on: path) }

    /// The file system of a device number (stat(2), st_dev), if a program serves it; else nil.
    ///
    /// - Throws: why that can't be determined.
    static func served(_ device: UInt64) throws(Errno) -> Mount? {
        // File systems on block devices have a driver's major number.
        let number = BlockDevice(number: device)
        guard number.text.hasPrefix("0:"), others.withLock({ !$0.contains(device) }) else { return nil }
        // It may have been mounted since the table was first read.
        let table = MountTable(try readLocal("/proc/self/mountinfo", limit: 1 << 24))
        if let found = table.remote.values.first(where: { $0.device == number.text && $0.server != nil }) {
            return found
        }
        others.withLock { _ = $0.insert(device) }
        return nil
    }

    /// Device numbers of file systems that no program serves.
    private static let others = Mutex<Set<UInt64>>([])

    /// The remedy for those that have not answered, if that is why a call failed; nil if all have.
    static func remedy(for errno: Errno) -> Remedy? {
        guard errno == .timedOut else { return nil }
        let silent = (current?.mounts.values ?? [:].values).filter { current?.readers[$0.path]?.isSilent == true }
        guard !silent.isEmpty else { return nil }
        let words = silent.map(\.description).sorted().joined(separator: " and ")
        return "no answer from \(words): check the server, or unmount it"
    }

    /// Whether two paths can't lead to one file, because they are on different file systems.
    package static func areApart(_ one: FilePath, _ other: FilePath) -> Bool {
        guard let current else { return false }
        return current.mount(on: one)?.device != current.mount(on: other)?.device
    }
}

extension FilePath {
    fileprivate func pushing(_ rest: ArraySlice<FilePath.Component>) -> FilePath {
        var path = self
        for part in rest { path.append(part) }
        return path
    }
}
