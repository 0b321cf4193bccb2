import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// The places of a warm image:
///
/// ```
/// WARM/NAME/image.json     what it depends on (WarmRecord)
///           machine        memory and the state of its devices, written by QEMU
///           diskN.qcow2    what the guest had written to DISKn
/// WARM/NAME.new/           the same, while it is made
/// WARM/NAME.lock           byte 0: shared by those that open it, and taken by the one that makes or removes it;
///                          byte 1: shared by the runs that use it
/// ```
///
/// A QEMU that starts from it has read-only descriptors of these files, and none of the lock.
package struct WarmDirectory: Sendable {
    package let name: VMName
    private let parent: FilePath

    private static let halfSuffix = ".new"

    package init(_ name: VMName, in paths: Paths) { (self.name, parent) = (name, paths.warm) }

    package var path: FilePath { parent.appending(name.description) }
    /// Where it is made.
    package var half: FilePath { parent.appending("\(name)\(Self.halfSuffix)") }
    package var record: FilePath { path.appending(Self.recordName) }
    private var lockPath: FilePath { parent.appending("\(name).lock") }
    private static let recordName = "image.json"

    /// The names of all images, and of those that were being made.
    package static func all(in paths: Paths) throws(VMError) -> (whole: [VMName], halves: [VMName]) {
        let found = try RunFileOwnership.names(in: paths.warm).filter { !$0.hasSuffix(".lock") }
        let isHalf: (String) -> Bool = { $0.hasSuffix(Self.halfSuffix) }
        return (
            found.filter { !isHalf($0) }.compactMap { VMName($0) },
            found.filter(isHalf).compactMap { VMName(String($0.dropLast(Self.halfSuffix.count))) }
        )
    }

    /// Its lock. Nothing is locked yet.
    package func openLock() throws(VMError) -> WarmLock {
        let cache = parent.removingLastComponent()
        do throws(Errno) { try makeDirectories(cache, permissions: 0o755) } catch {
            throw .system(error, cache.string, "can't be made")
        }
        try makePrivateDirectory(parent, below: cache)
        return WarmLock(file: try .make(lockPath, permissions: 0o600), path: lockPath)
    }

    /// Whether runs use it.
    package func isUsed() throws(VMError) -> Bool {
        do throws(Errno) { return try WarmLock.isUsed(try ByteLockFile(asking: lockPath)) } catch .noSuchFileOrDirectory
        {
            return false
        } catch { throw .system(error, lockPath.string, "can't tell whether it is used") }
    }

    /// What is written about it; nil: there is none that this kvmctl can use.
    package func readRecord() throws(VMError) -> WarmRecord? {
        do throws(Errno) { return WarmRecord(parsing: try readOwnFile(record)) } catch .noSuchFileOrDirectory {
            return nil
        } catch { throw .system(error, record.string, "can't be read") }
    }

    /// Its files, but for the record.
    package func content() throws(VMError) -> [String: FileStamp] { try content(of: path) }

    private func content(of directory: FilePath) throws(VMError) -> [String: FileStamp] {
        let found: [String]
        do throws(Errno) { found = try names(in: directory) ?? [] } catch {
            throw .system(error, directory.string, "can't be looked at")
        }
        var content: [String: FileStamp] = [:]
        for name in found where name != Self.recordName { content[name] = try FileStamp(of: directory.appending(name)) }
        return content
    }

    /// Whether anything is there.
    package func exists() throws(VMError) -> Bool {
        do throws(Errno) { return try isThere(path) } catch { throw .system(error, path.string, "can't be looked at") }
    }

    /// Notes that it is used now.
    package func touch() { _ = path.withPlatformString { utimensat(AT_FDCWD, $0, nil, 0) } }

    /// When it was used last; nil: that can't be told.
    package var used: Moment? {
        guard let time = (try? status(of: path))?.st_mtim else { return nil }
        return Moment(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// What it takes on the disk.
    package func allocated() throws(VMError) -> ByteCount {
        var blocks: Int64 = 0
        do throws(Errno) {
            for name in try names(in: path) ?? [] {
                blocks += Int64(try status(of: path.appending(name))?.st_blocks ?? 0)
            }
        } catch { throw .system(error, path.string, "can't be looked at") }
        return ByteCount(bytes: blocks * 512)
    }

    // What is done to it. The caller has taken the lock.

    /// Makes the directory in which it is made.
    package func beginHalf() throws(VMError) {
        try remove(half)
        do throws(Errno) { try makeDirectories(half, permissions: 0o700) } catch {
            throw .system(error, half.string, "can't be made")
        }
    }

    /// Puts it in place, once all of it survives a power cut.
    package func complete(_ record: WarmRecord) throws(VMError) {
        var record = record
        record.content = try content(of: half)
        do throws(Errno) {
            try replaceFile(half.appending(Self.recordName), with: Array(record.text.utf8), permissions: 0o600)
            for name in try names(in: half) ?? [] { try sync(half.appending(name)) }
            try sync(half)
            guard half.withPlatformString({ old in path.withPlatformString { rename(old, $0) } }) == 0 else {
                throw Errno(rawValue: errno)
            }
            try sync(parent)
        } catch { throw .system(error, half.string, "can't be completed") }
    }

    private func sync(_ path: FilePath) throws(Errno) {
        try syncToDisk(try .open(path, .readOnly, flags: O_NOFOLLOW))
    }

    /// Removes what is left of one that was being made.
    package func removeHalf() throws(VMError) { try remove(half) }

    /// Removes it. Who has opened it keeps it.
    package func remove() throws(VMError) { try remove(path) }

    /// The record goes first: without it there is no image.
    private func remove(_ directory: FilePath) throws(VMError) {
        removeFile(directory.appending(Self.recordName))
        do throws(Errno) {
            for name in try names(in: directory) ?? [] { removeFile(directory.appending(name)) }
            removeDirectory(directory)
            guard try isThere(directory) else { return }
            throw .directoryNotEmpty
        } catch { throw .system(error, directory.string, "can't be removed") }
    }
}

/// The lock of a warm image, released with the last value of it. Its file goes with the image: what was locked may then be no
/// longer there, and the next command has made another.
package struct WarmLock: ~Copyable {
    fileprivate let file: ByteLockFile
    fileprivate let path: FilePath

    private static let opening: Int64 = 0
    private static let using: Int64 = 1

    /// Whether it is the lock that others meet, too.
    package func isStillThere() -> Bool { file.isStillAt(path) }

    /// Removes its file, if it was taken and there is no image.
    package consuming func remove() { if file.isStillAt(path) { removeFile(path) } }

    /// Opens the image for use; false if somebody is making or removing it.
    package func tryOpen() throws(VMError) -> Bool {
        do throws(Errno) { return try file.tryShare(Self.opening) } catch {
            throw .system(error, path.string, "can't be locked")
        }
    }

    /// Takes the image, to make or to remove it; false if somebody has it open. One that is open here has to be closed first.
    package func tryTake() throws(VMError) -> Bool { try file.take(Self.opening, of: path) }

    /// Closes it, or lets it go.
    package func close() { file.giveBack(Self.opening) }

    /// Says that a run uses it.
    package func use() throws(VMError) {
        do throws(Errno) { _ = try file.tryShare(Self.using) } catch {
            throw .system(error, path.string, "can't be locked")
        }
    }

    fileprivate static func isUsed(_ file: borrowing ByteLockFile) throws(Errno) -> Bool { try file.isHeld(using) }
}
