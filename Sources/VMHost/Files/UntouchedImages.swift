import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// What qcow2 images look like that hold nothing yet. Two of one size over one base are equal, byte for byte, so that qemu-img
/// makes only the first of many.
package final class UntouchedImages {
    private var known: [(content: SparseDisk.Content, size: ByteCount, bytes: [UInt8])] = []

    /// None is known yet.
    package init() {}

    /// Makes an empty file such an image.
    ///
    /// - Parameter make: makes one.
    func write(
        _ disk: SparseDisk, to file: FileDescriptor, _ make: (FileDescriptor) throws(VMError) -> Void
    ) throws(VMError) {
        do throws(Errno) {
            if let like = known.first(where: { $0.content == disk.content && $0.size == disk.size }) {
                guard ftruncate(file.rawValue, off_t(like.bytes.count)) == 0 else { throw Errno(rawValue: errno) }
                try writeSparsely(like.bytes, at: 0, to: file.rawValue)
                return
            }
        } catch { throw .system(error, disk.path.string, "can't be created") }
        try make(file)
        let bytes = Int(lseek(file.rawValue, 0, SEEK_END))
        // Far more than one takes: what can't be read is made anew each time.
        guard bytes <= 1 << 24, let read = try? readBytes(of: file.rawValue, at: 0, count: bytes), read.count == bytes
        else { return }
        known.append((disk.content, disk.size, read))
    }
}
