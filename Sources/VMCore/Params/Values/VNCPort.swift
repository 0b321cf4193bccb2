/// The TCP port of a VNC display: 5900+N for display N, so from 5900 on (RFC 6143, section 1; QEMU's -vnc).
package struct VNCPort: Hashable, Sendable {
    /// The port's number.
    package let number: UInt16

    private static let first: UInt16 = 5900

    /// The port with that number; nil if no display can have it.
    package init?(_ number: some BinaryInteger) {
        guard let number = UInt16(exactly: number), number >= Self.first else { return nil }
        self.number = number
    }

    /// The port of display N; nil if there is none.
    package init?(display: Int) {
        let (number, overflow) = display.addingReportingOverflow(Int(Self.first))
        guard display >= 0, !overflow else { return nil }
        self.init(number)
    }

    /// The display's number.
    package var display: UInt16 { number - Self.first }
}
