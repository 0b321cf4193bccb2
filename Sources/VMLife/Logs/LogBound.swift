import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Keeps logs within a size. QEMU appends to them for as long as the guest writes, without a limit. So the commands
/// that the owner runs trim the oldest part, and if none is run a systemd timer does.
package struct LogBound: Sendable {
    /// How much of a record's beginning is kept: QEMU's replies from before the machine ran (`FlightRecord.head`).
    private static let recordHead = FlightRecord.head

    private let site: Site
    private var paths: Paths { site.paths }
    private let size: Int64

    /// Trims the logs of a site.
    package init(_ site: Site, size: Int64 = LogLimit.standard) {
        self.site = site
        self.size = size
    }

    /// Trims the logs of every VM that was started since boot.
    ///
    /// - Returns: an error for each log that could not be trimmed.
    /// - Throws: why the VMs that were started can't be listed.
    package func enforce() throws(VMError) -> [VMError] {
        let started = try site.startedNames()
        guard started.contains(where: { logs(of: $0).contains(where: isOver) }) else { return [] }
        do throws(VMError) {
            // Two commands at once would remove twice as much. One is enough.
            let file = paths.run.appending("trimming")
            let lock = try ByteLockFile.make(file, permissions: 0o600)
            guard try lock.take(0, of: file) else { return [] }
            defer { lock.giveBack(0) }
            return started.flatMap(enforce)
        } catch { return [error] }
    }

    /// Trims the logs of a VM.
    ///
    /// - Returns: an error for each log that could not be trimmed.
    func enforce(on vm: VMName) -> [VMError] {
        logs(of: vm).compactMap { log in
            do throws(Errno) {
                if isOver(log) { try enforce(on: log.path, to: log.limit, keepingFirst: log.head) }
                return nil
            } catch {
                return .system(
                    error, log.path.string, "can't be kept within \(ByteCount(bytes: log.limit))",
                    remedy:
                        "a guest can fill that file system: look at \(command: "kvmctl logs \(vm)"), and stop it if it does"
                )
            }
        }
    }

    /// The logs of a VM that seem to be trimmed by nothing: longer than they grow between two runs of the timer.
    func excesses(of vm: VMName) -> [MachineCondition.LongLog] {
        logs(of: vm).compactMap { log in
            guard let found = try? status(of: log.path), Int64(found.st_size) > log.limit + size / 2 else { return nil }
            return MachineCondition.LongLog(
                path: log.path, size: ByteCount(bytes: Int64(found.st_size)), limit: ByteCount(bytes: log.limit))
        }
    }

    /// A log, how many bytes of its beginning are kept in any case, and how long it may become.
    private typealias Log = (path: FilePath, head: Int, limit: Int64)

    private func logs(of vm: VMName) -> [Log] {
        let console = paths.consoleLog(vm)
        return [
            (console, 0, limit(of: console, vm)), (paths.qemuLog(vm), 0, size),
            (paths.firmwareLog(vm), 0, size), (paths.record(vm), Self.recordHead, size),
        ]
    }

    /// `CONSOLE_LOG` of the VM as it was started. Most logs are too short for it to matter, and reading it takes a while.
    private func limit(of console: FilePath, _ vm: VMName) -> Int64 {
        guard isOver((console, 0, min(size, LogLimit.smallest.bytes))) else { return size }
        // Without it, the usual limit protects the host.
        let manifest = try? Machine(name: vm, file: "", site: site).manifest()
        return manifest?.vm.consoleLog.bytes ?? size
    }

    private func isOver(_ log: Log) -> Bool {
        guard let found = try? status(of: log.path) else { return false }
        return Int64(found.st_size) > log.limit
    }

    /// Trims a log to the limit, oldest bytes first.
    ///
    /// - Parameters:
    ///   - limit: how long it may be; nil: as long as logs usually may.
    ///   - head: how many bytes at the beginning are kept too.
    func enforce(on path: FilePath, to limit: Int64? = nil, keepingFirst head: Int = 0) throws(Errno) {
        let size = limit ?? self.size
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
        try moveUp(file, to: from, from: from + length, size)
    }

    /// The same on a file system that can't remove blocks: what is kept, with what is appended meanwhile, is copied
    /// over the rest. Only what is appended between the last read and the truncation is lost.
    private func moveUp(
        _ file: borrowing OwnedDescriptor, to start: Int64, from source: Int64, _ size: Int64
    ) throws(Errno) {
        var (target, source) = (off_t(start), off_t(source))
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        // Ends even if a writer appends faster than this copies.
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
