/// A file of the guest that grows while it is read through the agent.
struct GuestSpool {
    /// Which stream of the command's it holds: `ctl`, `out` or `err`.
    let stream: String
    let path: String
    let handle: Int64
    /// How far it was read.
    private(set) var position: Int64 = 0
    /// How much the next read asks for: a small answer costs the guest less.
    private(set) var request = Self.small
    /// Whether the last read gave all that was asked for, so that there may be more.
    private(set) var isFull = false
    /// The process that writes it, which can be stopped.
    var keeper: Int64?
    /// Whether that may be stopped.
    var isHeld = false

    private static let small = 64 << 10
    private static let large = 1 << 20

    init(stream: String, of base: String, handle: Int64) {
        (self.stream, path, self.handle) = (stream, "\(base).\(stream)", handle)
    }

    /// Notes what was read.
    mutating func note(_ count: Int) {
        position += Int64(count)
        isFull = count == request
        isAhead = keeper != nil && (count == Self.large || position > 8 << 20)
        request = isFull ? Self.large : Self.small
    }

    /// Whether it is written faster than it is read, and should be emptied before the guest has no room for it.
    private(set) var isAhead = false

    /// Notes that it is empty again.
    mutating func wasEmptied() { (position, isAhead) = (0, false) }
}
