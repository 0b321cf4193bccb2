import Glibc
import SystemPackage

/// A log that a VM's run writes.
public enum LogKind: String, CaseIterable, Sendable {
    /// The guest's serial console.
    case console
    /// QEMU's messages.
    case qemu
    /// The flight record: the QMP events of the VM's life.
    case record
}

/// Reads a log piece by piece, and on as it grows, into the log of the next start.
public struct LogReader: ~Copyable {
    private let path: FilePath
    private var file: OwnedDescriptor

    /// Opens the log of a VM's last run, or of the run before it.
    ///
    /// - Parameter lastLines: only so many lines at the end; nil: all.
    /// - Throws: `.notFound` if there is no such log.
    public init(
        _ kind: LogKind, of vm: VMName, previous: Bool = false, lastLines: Int? = nil, in paths: Paths
    ) throws(VMError) {
        let current =
            switch kind {
            case .console: paths.consoleLog(vm)
            case .qemu: paths.qemuLog(vm)
            case .record: paths.record(vm)
            }
        path = previous ? RunLog.previous(current) : current
        do throws(Errno) {
            file = try Self.open(path, lastLines: lastLines)
        } catch .noSuchFileOrDirectory {
            if kind == .qemu, !previous, (try? status(of: paths.record(vm))) != nil {
                throw VMError(
                    .notFound, path.string, "the last run has none: it was started with --foreground",
                    remedy: "QEMU's messages went where stderr led: under systemd, `journalctl` has them")
            }
            throw VMError(
                .notFound, path.string, previous ? "\(vm) was not started twice" : "\(vm) was never started",
                remedy: "a start begins a log: `kvmctl start \(vm)`")
        } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// The next piece; empty: there is nothing more now.
    public mutating func next() throws(VMError) -> [UInt8] {
        do throws(Errno) {
            let bytes = try readPiece()
            if bytes.isEmpty, try wasCut() {
                lseek(file.rawValue, 0, SEEK_SET)
                return try readPiece()
            }
            guard bytes.isEmpty, let successor = try successor() else { return bytes }
            // The run may have written its last words between that look and the next run's log.
            let rest = try readPiece()
            if rest.isEmpty { file = successor }
            return try rest.isEmpty ? readPiece() : rest
        } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    private func readPiece() throws(Errno) -> [UInt8] { try readAll(file.descriptor, limit: 1 << 16) }

    private static func open(_ path: FilePath, lastLines: Int?) throws(Errno) -> OwnedDescriptor {
        let file = try OwnedDescriptor.open(path, .readOnly)
        if let lastLines { try seek(file, lastLines: lastLines) }
        return file
    }

    /// Moves to where the last lines begin.
    private static func seek(_ file: borrowing OwnedDescriptor, lastLines: Int) throws(Errno) {
        var position = lseek(file.rawValue, 0, SEEK_END)
        guard lastLines > 0 else { return }
        // A line end at the very end belongs to the last line.
        var isLastByte = true
        var wanted = lastLines
        while position > 0 {
            let start = max(0, position - 65536)
            lseek(file.rawValue, start, SEEK_SET)
            let bytes = try readAll(file.descriptor, limit: Int(position - start))
            for (offset, byte) in bytes.enumerated().reversed() {
                defer { isLastByte = false }
                guard byte == UInt8(ascii: "\n"), !isLastByte else { continue }
                wanted -= 1
                if wanted == 0 {
                    lseek(file.rawValue, start + off_t(offset) + 1, SEEK_SET)
                    return
                }
            }
            position = start
        }
        lseek(file.rawValue, 0, SEEK_SET)
    }

    /// Whether it ends before the place that was read last: logrotate(8) with `copytruncate`.
    private func wasCut() throws(Errno) -> Bool { try file.status().st_size < lseek(file.rawValue, 0, SEEK_CUR) }

    /// The file that is at the path now, if it is another one.
    private func successor() throws(Errno) -> OwnedDescriptor? {
        var here = stat()
        guard fstat(file.rawValue, &here) == 0, let there = try status(of: path), there.st_ino != here.st_ino else {
            return nil
        }
        return try OwnedDescriptor.open(path, .readOnly)
    }
}
