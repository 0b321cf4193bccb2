/// A token bucket, which limits the rate at which an interface sends (tc-tbf(8)). Frames above the rate wait; those
/// that no longer fit in the queue are dropped.
public struct TokenBucket: Equatable, Sendable {
    /// Bytes per second, counted as Ethernet frames without preamble and checksum.
    public let bytesPerSecond: UInt64
    /// How many bytes may be sent at once.
    public let burst: UInt32
    /// How many bytes may wait.
    public let queue: UInt32

    /// A bucket for an interface with this MTU.
    ///
    /// The burst is 10 ms at this rate, because the kernel's timers may be late by a good part of that (a tick is 1 to
    /// 10 ms), and at least two frames. The queue is 50 ms at this rate: enough for TCP to keep the bucket busy over
    /// the usual distances, with a delay that is hardly felt. It is at least ten frames.
    public init(bytesPerSecond: UInt64, mtu: Int) {
        let frame = UInt64(max(mtu, 0)) + 18  // an Ethernet header, and a VLAN tag
        self.bytesPerSecond = bytesPerSecond
        burst = UInt32(clamping: max(bytesPerSecond / 100, 2 * frame))
        queue = UInt32(clamping: max(bytesPerSecond / 20, 10 * frame) + UInt64(burst))
    }
}
