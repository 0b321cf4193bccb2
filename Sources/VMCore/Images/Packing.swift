/// How a file is compressed, told by its first bytes.
package enum Packing: String, CaseIterable, Sendable {
    case gzip, xz, zstd

    /// nil if it is not compressed in a way that is known here.
    package init?(header: [UInt8]) {
        let beginnings: [(Packing, [UInt8])] = [
            (.gzip, [0x1f, 0x8b]), (.xz, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), (.zstd, [0x28, 0xb5, 0x2f, 0xfd]),
        ]
        guard let known = beginnings.first(where: { header.starts(with: $0.1) })?.0 else { return nil }
        self = known
    }

    /// What files of this kind end in.
    package var suffix: String {
        switch self {
        case .gzip: ".gz"
        case .xz: ".xz"
        case .zstd: ".zst"
        }
    }
}
