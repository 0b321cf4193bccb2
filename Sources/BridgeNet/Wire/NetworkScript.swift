import SystemPackage

/// Changes to the host's network, as encoded requests for the kernel. They can be kept in a file and carried out by a
/// process that does not know the plan they come from.
public struct NetworkScript: Equatable, Sendable {
    private let requests: [[UInt8]]

    /// The requests that undo a plan, or the part of it that was done.
    public init(undoing plan: [NetworkOperation]) {
        requests = plan.reversed().compactMap { $0.inverse?.request.encoded(sequence: 0) }
    }

    /// The requests that carry out a plan, or the rest of it.
    public init(carryingOut plan: [NetworkOperation]) {
        requests = plan.map { $0.request.encoded(sequence: 0) }
    }

    /// Parses what `lines` returned; nil for anything else.
    public init?(lines: [String]) {
        var requests: [[UInt8]] = []
        for line in lines {
            guard let bytes = Self.bytes(line), (try? NetlinkMessage.decode(bytes))?.count == 1 else { return nil }
            requests.append(bytes)
        }
        self.requests = requests
    }

    /// Each request in hex.
    public var lines: [String] {
        requests.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    }

    package var messages: [NetlinkMessage] { requests.compactMap { try? NetlinkMessage.decode($0).first } }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = hex.utf8.map { digit in Character(Unicode.Scalar(digit)).hexDigitValue }
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[start], let low = digits[start + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }
}
