import VMCore

/// The copying of disks, which may take long: how far it is, and whether it is to end.
package final class DiskCopying {
    /// What has been copied, in bytes that are no holes.
    private var done: Int64 = 0
    private let isInterrupted: () -> Bool
    private let tell: (_ done: Int64, _ disk: String) -> Void

    /// How much is copied at once: between two pieces a signal is noticed.
    static let piece: Int64 = 16 << 20

    /// - Parameters:
    ///   - isInterrupted: whether it is to end, asked again and again.
    ///   - tell: receives how much is done, and of which disk.
    package init(
        isInterrupted: @escaping () -> Bool = { false },
        tell: @escaping (_ done: Int64, _ disk: String) -> Void = { _, _ in }
    ) {
        (self.isInterrupted, self.tell) = (isInterrupted, tell)
    }

    /// Notes what was copied.
    ///
    /// - Throws: `.busy` if it is to end.
    func copied(_ bytes: Int64, of disk: String) throws(VMError) {
        done += bytes
        tell(done, disk)
        guard !isInterrupted() else { throw VMError(.busy, disk, "the copy was interrupted") }
    }
}
