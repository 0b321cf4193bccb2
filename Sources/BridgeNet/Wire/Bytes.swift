/// Reads numbers and slices from the front of some bytes. No input can make it trap or read beyond the end. Numbers are
/// in host byte order, as everywhere in rtnetlink unless an attribute says otherwise.
package struct ByteReader {
    package private(set) var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) {
        self.rest = bytes
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// The next number; `what` names it in the error.
    package mutating func read<Number: FixedWidthInteger>(
        as _: Number.Type = Number.self, _ what: String
    ) throws(WireError) -> Number {
        let bytes = try take(MemoryLayout<Number>.size, what)
        return bytes.withUnsafeBytes { $0.loadUnaligned(as: Number.self) }
    }

    /// The next `count` bytes.
    package mutating func take(_ count: Int, _ what: String) throws(WireError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else {
            throw WireError(what: what, problem: .truncated(needed: count, available: rest.count))
        }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// Skips up to `count` bytes: the padding after the last item of a datagram may be missing.
    mutating func skip(upTo count: Int) {
        rest = rest.dropFirst(count)
    }
}

extension [UInt8] {
    /// Appends a number in the host's byte order.
    mutating func append(number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number) { append(contentsOf: $0) }
    }

    /// The bytes of a number in the host's byte order.
    package init(number: some FixedWidthInteger) {
        self = []
        append(number: number)
    }
}

/// Messages and attributes start at multiples of four bytes (NLMSG_ALIGNTO, NLA_ALIGNTO in linux/netlink.h).
func padding(after length: Int) -> Int {
    (4 - length % 4) % 4
}
