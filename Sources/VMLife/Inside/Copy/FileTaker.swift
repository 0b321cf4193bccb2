import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Takes a guest's file that comes by itself.
final class FileTaker {
    private let entry: FileEntry
    private let part: PartFile
    private let sum: Checksum
    /// How much of it was there already.
    let start: Int64
    /// How far it is.
    private(set) var position: Int64

    /// What the kernel makes as it is read has no size that could be compared.
    private var hasSize: Bool { entry.size > 0 }
    /// How large such a file may be.
    private static let mostWithoutSize: Int64 = 64 << 20

    init(_ entry: FileEntry, at path: [UInt8], in tree: Tree, resumes: Bool) throws(VMError) {
        self.entry = entry
        part = try PartFile(at: path, in: tree, continuedUpTo: resumes && entry.size > 0 ? entry.size : nil)
        (start, position) = (part.start, part.start)
        sum = try Checksum()
        try sum.add(part.descriptor, from: 0, to: start)
    }

    func take(_ bytes: [UInt8]) throws(VMError) {
        guard position + Int64(bytes.count) <= (hasSize ? entry.size : Self.mostWithoutSize) else {
            discard()
            throw VMError(.unavailable, part.shownPath, "the guest sends more of it than there is")
        }
        do throws(VMError) {
            try sum.add(bytes)
            try part.write(bytes, at: position)
        } catch {
            discard()
            throw error
        }
        position += Int64(bytes.count)
    }

    /// Whether it is what the guest has.
    ///
    /// - Parameter theirs: the guest's checksum.
    func isWhole(by theirs: String?) throws(VMError) -> Bool {
        let own: String
        do throws(VMError) { own = try sum.finish() } catch {
            discard()
            throw error
        }
        return !hasSize || position == entry.size && own == theirs
    }

    func putInPlace() throws(VMError) {
        try part.complete(size: position, permissions: entry.permissions, modified: entry.modified)
        try part.putInPlace()
    }

    func discard() { part.discard() }
}
