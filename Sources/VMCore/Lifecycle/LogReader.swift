import Glibc
public import SystemPackage

/// Reads a log, from some line on, and on as it grows.
public struct LogReader: Sendable {
    let path: FilePath
    let vm: VMName

    /// A log of a VM.
    public init(_ path: FilePath, vm: VMName) {
        self.path = path
        self.vm = vm
    }

    /// Passes the log on in pieces, until `body` wants no more.
    ///
    /// - Parameters:
    ///   - lastLines: only so many lines at the end; nil: all.
    ///   - following: go on for ever, also into the log of the next start.
    /// - Throws: `.notFound` if the VM never wrote one.
    public func read(lastLines: Int?, following: Bool, _ body: ([UInt8]) -> Bool) throws(VMError) {
        do throws(Errno) {
            var file = try OwnedDescriptor.open(path, .readOnly)
            if let lastLines { try seek(file, lastLines: lastLines) }
            while true {
                let bytes = try readAll(file.descriptor, limit: 1 << 16)
                if !bytes.isEmpty {
                    guard body(bytes) else { return }
                } else if !following {
                    return
                } else if let next = try successor(of: file) {
                    file = next
                } else {
                    pause(.milliseconds(100))
                }
            }
        } catch .noSuchFileOrDirectory {
            throw VMError(
                .notFound, path.string, "\(vm) has no such log", remedy: "a log begins with the VM's first start")
        } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// Moves to where the last lines begin.
    private func seek(_ file: borrowing OwnedDescriptor, lastLines: Int) throws(Errno) {
        var position = lseek(file.rawValue, 0, SEEK_END)
        // A line end at the very end belongs to the last line.
        var wanted = lastLines + 1
        while position > 0 {
            let start = max(0, position - 65536)
            lseek(file.rawValue, start, SEEK_SET)
            let bytes = try readAll(file.descriptor, limit: Int(position - start))
            for (offset, byte) in bytes.enumerated().reversed() where byte == UInt8(ascii: "\n") {
                wanted -= 1
                if wanted == 0 {
                    lseek(file.rawValue, start + off_t(offset) + 1, SEEK_SET)
                    return
                }
            }
            position = start
        }
        lseek(file.rawValue, 0, lastLines == 0 ? SEEK_END : SEEK_SET)
    }

    /// The file that is at the path now, if it is another one.
    private func successor(of file: borrowing OwnedDescriptor) throws(Errno) -> OwnedDescriptor? {
        var here = stat()
        guard fstat(file.rawValue, &here) == 0, let there = try status(of: path), there.st_ino != here.st_ino else {
            return nil
        }
        return try OwnedDescriptor.open(path, .readOnly)
    }
}
