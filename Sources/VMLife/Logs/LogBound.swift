import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// How large a log becomes. QEMU appends to it for as long as the guest writes, and knows no limit; so whichever command of
/// the owner's comes by, and a timer of systemd's where no command does, takes the oldest of it away.
package struct LogBound: Sendable {
    /// How much of a record's beginning is: what QEMU answered before the machine ran (`FlightRecord.head`).
    private static let recordHead = FlightRecord.head

    private let paths: Paths
    private let size: Int64

    /// Bounds the logs in these places.
    package init(_ paths: Paths, size: Int64 = LogLimit.standard) {
        self.paths = paths
        self.size = size
    }

    /// Bounds the logs of every VM that was started since boot.
    ///
    /// - Returns: which could not be, and why.
    /// - Throws: why it can't be seen which those are.
    package func enforce() throws(VMError) -> [VMError] {
        let started = try VMLocator(paths).startedNames()
        guard started.contains(where: { logs(of: $0).contains { isOver($0.path) } }) else { return [] }
        do throws(VMError) {
            // Two at once would take away twice as much. The one that is there is enough.
            let file = paths.run.appending("trimming")
            let turn = try ByteLockFile.make(file, permissions: 0o600)
            guard try turn.take(0, of: file) else { return [] }
            defer { turn.giveBack(0) }
            return started.flatMap(enforce)
        } catch { return [error] }
    }

    private func enforce(on vm: VMName) -> [VMError] {
        logs(of: vm).compactMap { log in
            do throws(Errno) {
                if isOver(log.path) { try enforce(on: log.path, keepingFirst: log.head) }
                return nil
            } catch {
                return .system(
                    error, log.path.string, "can't be kept within \(ByteCount(bytes: size))",
                    remedy:
                        "a guest can fill that file system: look at \(command: "kvmctl logs \(vm)"), and stop it if it does"
                )
            }
        }
    }

    /// The logs of a VM that are larger than where something looks after them: half as much again is what a timer leaves.
    func excesses(of vm: VMName) -> [MachineCondition.LongLog] {
        logs(of: vm).compactMap { log in
            guard let found = try? status(of: log.path), Int64(found.st_size) > size + size / 2 else { return nil }
            return MachineCondition.LongLog(path: log.path, size: ByteCount(bytes: Int64(found.st_size)))
        }
    }

    private func logs(of vm: VMName) -> [(path: FilePath, head: Int)] {
        [(paths.consoleLog(vm), 0), (paths.qemuLog(vm), 0), (paths.record(vm), Self.recordHead)]
    }

    private func isOver(_ path: FilePath) -> Bool {
        guard let found = try? status(of: path) else { return false }
        return Int64(found.st_size) > size
    }

    /// Takes away what is too much, from the oldest on.
    ///
    /// - Parameter head: so many bytes at the beginning stay too.
    func enforce(on path: FilePath, keepingFirst head: Int = 0) throws(Errno) {
        let file = try OwnedDescriptor.regular(path, .readWrite)
        let block = clinux_block_size(file.rawValue)
        guard block > 0 else { throw Errno(rawValue: CInt(-block)) }
        let from = (Int64(head) + block - 1) / block * block
        let excess = Int64(try file.status().st_size) - size
        guard excess > 0 else { return }
        let length = (excess + block - 1) / block * block
        let result = clinux_take_out(file.rawValue, from, length)
        if result == 0 { return }
        let failure = Errno(rawValue: -result)
        guard failure == .notSupported || failure == .invalidArgument else { throw failure }
        try moveUp(file, to: from, from: from + length)
    }

    /// The same on a file system that can't take blocks out: what is to be kept is copied over what is not, with what is
    /// appended meanwhile; only what comes between the last look and the cut is lost.
    private func moveUp(
        _ file: borrowing OwnedDescriptor, to start: Int64, from source: Int64
    ) throws(Errno) {
        var (target, source) = (off_t(start), off_t(source))
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        // Who appends faster than this copies does not keep it at it.
        while Int64(target) < start + 2 * size {
            let count = pread(file.rawValue, &chunk, chunk.count, source)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Errno(rawValue: errno) }
            if count == 0 { break }
            source += off_t(count)
            try Self.write(chunk[..<count], to: file, at: &target)
        }
        guard ftruncate(file.rawValue, target) == 0 else { throw Errno(rawValue: errno) }
    }

    private static func write(
        _ bytes: ArraySlice<UInt8>, to file: borrowing OwnedDescriptor, at target: inout off_t
    ) throws(Errno) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { pwrite(file.rawValue, $0.baseAddress, $0.count, target) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Errno(rawValue: count < 0 ? errno : EIO) }
            rest = rest.dropFirst(count)
            target += off_t(count)
        }
    }
}
