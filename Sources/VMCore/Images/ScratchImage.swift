/// An empty qcow2 image (QEMU, docs/interop/qcow2.txt): what a guest reads through it is what it stands on, as its opener
/// says. Its header names nothing.
///
/// It is written by hand because it is four small pieces, and starting qemu-img for them takes longer than starting QEMU
/// itself.
package enum ScratchImage {
    /// The pieces that are not zero, by their offsets, and the length of the file.
    package struct Layout: Equatable, Sendable {
        package var pieces: [(offset: Int64, bytes: [UInt8])]
        package var length: Int64

        package static func == (one: Layout, other: Layout) -> Bool {
            one.length == other.length && one.pieces.elementsEqual(other.pieces) { $0 == $1 }
        }
    }

    private static let clusterBits: UInt32 = 16
    private static let cluster: Int64 = 1 << Int64(clusterBits)
    /// What an entry of the first table leads to, in bytes of the disk: a cluster of entries of eight bytes.
    private static let reach = cluster * cluster / 8

    /// The layout of an image of a disk of this size: header, refcount table, one refcount block, the first table.
    ///
    /// - Parameter size: in bytes.
    package static func layout(size: ByteCount) -> Layout {
        let entries = max(1, (size.bytes + reach - 1) / reach)
        let tableClusters = (entries * 8 + cluster - 1) / cluster
        let used = 3 + tableClusters
        let header: [[UInt8]] = [
            [0x51, 0x46, 0x49, 0xfb], big(UInt32(3)), big(UInt64(0)), big(UInt32(0)), big(clusterBits),
            big(UInt64(size.bytes)), big(UInt32(0)), big(UInt32(entries)), big(UInt64(3 * cluster)),
            big(UInt64(cluster)), big(UInt32(1)), big(UInt32(0)), big(UInt64(0)),
            // Features: none. Refcounts of 2^4 bits, the length of this header, and no extensions.
            big(UInt64(0)), big(UInt64(0)), big(UInt64(0)), big(UInt32(4)), big(UInt32(104)), big(UInt64(0)),
        ]
        let refcounts = [[UInt8]](repeating: big(UInt16(1)), count: Int(used))
        return Layout(
            pieces: [
                (0, header.flatMap(\.self)), (cluster, big(UInt64(2 * cluster))),
                (2 * cluster, refcounts.flatMap(\.self)),
            ],
            length: used * cluster)
    }

    private static func big(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
