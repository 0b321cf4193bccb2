import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// A log of a VM's run.
package enum LogKind: String, CaseIterable, Sendable {
    /// The guest's serial console.
    case console
    /// The firmware's own log, of its debug port.
    case firmware
    /// QEMU's messages.
    case qemu
    /// The flight record: the QMP events of the VM's life.
    case record
}

/// Reads a log piece by piece, follows it as it grows, and continues with the log of the next start.
package struct LogReader: ~Copyable {
    private let path: FilePath
    /// Whether it goes on with the log of the next start.
    private let followsNextRun: Bool
    private var file: OwnedDescriptor
    /// The last bytes read. They tell where to continue if the beginning of the file is removed meanwhile.
    private var lastRead: [UInt8] = []
    private static let remembered = 256

    /// Opens the log of a VM's last run, or of the one before it.
    ///
    /// - Parameters:
    ///   - lastLines: how many lines at the end to read; nil: all.
    ///   - lastBytes: where to begin instead, so far before the end: a line can be as long as the log.
    /// - Throws: `.notFound` if there is no such log.
    init(
        _ kind: LogKind, of machine: Machine, previous: Bool = false, lastLines: Int? = nil, lastBytes: Int? = nil,
        followsNextRun: Bool = true
    ) throws(VMError) {
        let (vm, paths) = (machine.name, machine.paths)
        self.followsNextRun = followsNextRun
        let current =
            switch kind {
            case .console: paths.consoleLog(vm)
            case .firmware: paths.firmwareLog(vm)
            case .qemu: paths.qemuLog(vm)
            case .record: paths.record(vm)
            }
        path = previous ? RunLog.previous(current) : current
        do throws(Errno) {
            try RemoteMounts.refuseSilent(at: path)
            let opened = try Self.open(path, lastLines: lastLines)
            if let lastBytes {
                lseek(opened.rawValue, max(0, lseek(opened.rawValue, 0, SEEK_END) - off_t(lastBytes)), SEEK_SET)
            }
            lastRead = try Self.bytesBefore(opened)
            file = opened
        } catch .noSuchFileOrDirectory {
            if !previous { try machine.refuseAdopted("nothing that it says is logged") }
            if kind == .qemu, !previous, (try? status(of: paths.record(vm))) != nil {
                throw VMError(
                    .notFound, path.string, "the last run has none: it was started with --foreground",
                    remedy: "QEMU's messages went to stderr: under systemd, \(command: "journalctl") has them")
            }
            if !previous, machine.observe().state.isAlive {
                throw VMError(
                    .notFound, path.string, "somebody removed or renamed it; \(vm) still writes to the old file",
                    remedy: "a new one begins at the VM's next start")
            }
            throw VMError(
                .notFound, path.string, previous ? "\(vm) was not started twice" : "\(vm) was never started",
                remedy: "a log begins when the VM starts")
        } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// The next piece; empty: there is nothing more for now.
    package mutating func next() throws(VMError) -> [UInt8] {
        do throws(Errno) {
            try findPlace()
            let bytes = try readPiece()
            guard bytes.isEmpty, followsNextRun, let successor = try successor() else { return bytes }
            // The run may have written more between that read and the creation of the next run's log.
            let rest = try readPiece()
            guard rest.isEmpty else { return rest }
            file = successor
            lastRead = []
            return try readPiece()
        } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// The last bytes before its position.
    private static func bytesBefore(_ file: borrowing OwnedDescriptor) throws(Errno) -> [UInt8] {
        let place = lseek(file.rawValue, 0, SEEK_CUR)
        let length = min(remembered, Int(place))
        return try readBytes(of: file.rawValue, at: Int64(place) - Int64(length), count: length)
    }

    private mutating func readPiece() throws(Errno) -> [UInt8] {
        let bytes = try readAll(file.descriptor, limit: 1 << 16)
        lastRead = (lastRead + bytes.suffix(Self.remembered)).suffix(Self.remembered)
        return bytes
    }

    /// Goes to the position after the last bytes read, if that has moved: `LogBound` removes whole blocks from the
    /// beginning of the file, and logrotate(8) with `copytruncate` all of it.
    private func findPlace() throws(Errno) {
        var place = lseek(file.rawValue, 0, SEEK_CUR)
        guard !lastRead.isEmpty, try !isWhereItWas(place) else { return }
        let block = off_t(max(512, clinux_block_size(file.rawValue)))
        let size = try file.status().st_size
        place -= max(block, (place - size + block - 1) / block * block)
        while place > 0, try !isWhereItWas(place) { place -= block }
        // If those bytes are not found, everything in the file is new.
        lseek(file.rawValue, max(0, place), SEEK_SET)
    }

    /// Whether the last bytes read come just before that position.
    private func isWhereItWas(_ place: off_t) throws(Errno) -> Bool {
        let start = place - off_t(lastRead.count)
        guard start >= 0 else { return false }
        var before = [UInt8](repeating: 0, count: lastRead.count)
        let count = pread(file.rawValue, &before, before.count, start)
        guard count >= 0 else { throw Errno(rawValue: errno) }
        return count == before.count && before == lastRead
    }

    private static func open(_ path: FilePath, lastLines: Int?) throws(Errno) -> OwnedDescriptor {
        let file = try OwnedDescriptor.regular(path, .readOnly)
        if let lastLines { try seek(file, lastLines: lastLines) }
        return file
    }

    /// Moves to where the last lines begin.
    private static func seek(_ file: borrowing OwnedDescriptor, lastLines: Int) throws(Errno) {
        var position = lseek(file.rawValue, 0, SEEK_END)
        guard lastLines > 0 else { return }
        // A newline at the very end belongs to the last line.
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

    /// The file that is at the path now, if it is a different one.
    private func successor() throws(Errno) -> OwnedDescriptor? {
        var here = stat()
        guard fstat(file.rawValue, &here) == 0, let there = try status(of: path), there.st_ino != here.st_ino else {
            return nil
        }
        return try OwnedDescriptor.regular(path, .readOnly)
    }
}
