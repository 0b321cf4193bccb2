/// The TCP port of a VNC display: 5900+N for display N, so from 5900 on (RFC 6143, section 1; QEMU's -vnc).
package struct VNCPort: Hashable, Sendable {
    /// The port's number.
    package let number: UInt16

    /// The port of display 0.
    package static let first: UInt16 = 5900

    /// The display with the highest port that there is.
    package static let lastDisplay = UInt16.max - first

    /// The port with that number; nil if no display can have it.
    package init?(_ number: some BinaryInteger) {
        guard let number = UInt16(exactly: number), number >= Self.first else { return nil }
        self.number = number
    }

    /// The port of display N; nil if there is none.
    package init?(display: some BinaryInteger) {
        guard let display = UInt16(exactly: display), display <= Self.lastDisplay else { return nil }
        number = Self.first + display
    }

    /// The display's number.
    package var display: UInt16 { number - Self.first }
}
