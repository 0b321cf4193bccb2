/// How large a disk shall become.
package enum DiskGrowth: Equatable, Sendable {
    /// This large.
    case to(ByteCount)
    /// Larger by this.
    case by(ByteCount)

    /// The new size; nil: there is no disk that large.
    package func size(from old: ByteCount) -> ByteCount? {
        switch self {
        case .to(let size): return size
        case .by(let size):
            let (sum, overflow) = old.bytes.addingReportingOverflow(size.bytes)
            return overflow ? nil : ByteCount(bytes: sum)
        }
    }
}

extension OptionValue {
    /// A size for a disk that grows: `20G`, or `+5G` for that much more.
    package static func diskGrowth(_ text: String) throws(Fault) -> DiskGrowth {
        text.hasPrefix("+") ? .by(try diskSize(String(text.dropFirst()))) : .to(try diskSize(text))
    }
}
