/// The header of a qcow2 image (QEMU, docs/interop/qcow2.txt), as far as it decides whether QEMU opens the image.
package struct QCOW2Condition: Equatable, Sendable {
    /// The size of the disk that the guest sees, in bytes.
    package var diskBytes: UInt64
    /// Why QEMU does not open it; nil: no reason is known.
    package var fault: Fault?
    /// Whether it is marked as damaged: then it can only be read.
    package var isCorrupt: Bool

    /// Whether its data is in another file, which the header names.
    package var hasDataFile = false

    /// Describes a header; see the properties.
    package init(diskBytes: UInt64, fault: Fault? = nil, isCorrupt: Bool = false) {
        self.diskBytes = diskBytes
        self.fault = fault
        self.isCorrupt = isCorrupt
    }

    /// Why QEMU does not open an image.
    package enum Fault: Equatable, Sendable {
        case unknownVersion(UInt64)
        /// Not even the header is complete.
        case cutShort
        /// The header gives clusters of 2 to this power bytes.
        case clusterBits(UInt64)
        case unknownFeatures
        case tooManySnapshots
        case encrypted
    }
}

extension QCOW2Condition.Fault: CustomStringConvertible {
    /// In words that follow the image's name.
    package var description: String {
        switch self {
        case .unknownVersion(let version): "is a qcow2 image of version \(version), which QEMU does not know"
        case .cutShort: "is cut short: its header is incomplete"
        case .clusterBits(let bits): "is damaged: its header says clusters of 2^\(bits) bytes"
        case .unknownFeatures: "uses features of qcow2 that QEMU does not know"
        case .tooManySnapshots: "is damaged: its header says too many snapshots"
        case .encrypted: "is encrypted, and QEMU would ask for its key"
        }
    }
}

extension QCOW2Condition {
    /// The incompatible features that QEMU knows: dirty, corrupt, external data file, compression type, extended L2.
    private static let knownFeatures: UInt64 = 0b1_1111
    private static let corrupt: UInt64 = 1 << 1
    private static let dataFile: UInt64 = 1 << 2

    /// Nil if it is not a qcow2 image.
    ///
    /// - Parameter header: the beginning of the image.
    package init?(_ header: [UInt8]) {
        let version = header.bigEndian(at: 4, bytes: 4)
        guard header.starts(with: [0x51, 0x46, 0x49, 0xfb]), version != 1 else { return nil }
        let features = version >= 3 ? header.bigEndian(at: 72, bytes: 8) : 0
        self.init(diskBytes: header.bigEndian(at: 24, bytes: 8), isCorrupt: features & Self.corrupt != 0)
        hasDataFile = features & Self.dataFile != 0
        fault = Self.fault(header, version: version, features: features)
    }

    /// How long the file of a header is at least: its L1 table is in it, and its refcount table begins there. Beyond the end of
    /// one that was cut short QEMU reads zeros, as if nothing were on the disk.
    package static func leastLength(_ header: [UInt8]) -> UInt64 {
        let entries = header.bigEndian(at: 36, bytes: 4)
        let (end, overflows) = header.bigEndian(at: 40, bytes: 8).addingReportingOverflow(entries * 8)
        return max(overflows ? .max : end, header.bigEndian(at: 48, bytes: 8))
    }

    private static func fault(_ header: [UInt8], version: UInt64, features: UInt64) -> Fault? {
        let length = version >= 3 ? header.bigEndian(at: 100, bytes: 4) : 72
        let clusterBits = header.bigEndian(at: 20, bytes: 4)
        if version != 2, version != 3 { return .unknownVersion(version) }
        if header.count < length || length < (version >= 3 ? 104 : 72) { return .cutShort }
        if !(9...21).contains(clusterBits) { return .clusterBits(clusterBits) }
        if features & ~knownFeatures != 0 { return .unknownFeatures }
        // 65536 is the limit of both (QEMU, block/qcow2.h, QCOW_MAX_SNAPSHOTS).
        if header.bigEndian(at: 60, bytes: 4) > 65536 { return .tooManySnapshots }
        return header.bigEndian(at: 32, bytes: 4) == 0 ? nil : .encrypted
    }
}
