/// A size in bytes.
public struct ByteCount: Hashable, Comparable, Sendable {
    /// How many bytes.
    public var bytes: Int64

    /// So many bytes.
    public init(bytes: Int64) { self.bytes = bytes }

    /// Orders by size.
    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
}
