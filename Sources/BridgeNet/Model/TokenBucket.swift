/// A limit of what leaves an interface: a token bucket (tc-tbf(8)). Frames that come too soon wait, and are dropped when
/// too many do.
public struct TokenBucket: Equatable, Sendable {
    /// Bytes a second, counted as Ethernet frames without their preamble and check sum.
    public let bytesPerSecond: UInt64
    /// How many bytes may leave at once.
    public let burst: UInt32
    /// How many bytes may wait.
    public let queue: UInt32

    /// A bucket for an interface of that MTU.
    ///
    /// The burst is what the rate comes to in 10 ms, as the kernel's timers may be late by a good part of that (a tick is
    /// 1 to 10 ms), and never less than two frames. The queue is what it comes to in 50 ms: enough for TCP to keep the
    /// bucket busy over the usual distances, and a delay that is hardly felt; never less than ten frames.
    public init(bytesPerSecond: UInt64, mtu: Int) {
        let frame = UInt64(max(mtu, 0)) + 18  // an Ethernet header, and a VLAN tag
        self.bytesPerSecond = bytesPerSecond
        burst = UInt32(clamping: max(bytesPerSecond / 100, 2 * frame))
        queue = UInt32(clamping: max(bytesPerSecond / 20, 10 * frame) + UInt64(burst))
    }
}
