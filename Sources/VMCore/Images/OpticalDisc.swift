import SystemPackage

/// What the image of a CD or DVD says about itself: its size, and whether a PC's BIOS can boot it.
package struct OpticalDisc: Equatable, Sendable {
    /// Whether it boots (El Torito, version 1.0).
    package enum Boot: Equatable, Sendable {
        /// It has a boot record that SeaBIOS takes.
        case bios
        /// It has one, but not for a PC's BIOS: for UEFI, for example.
        case otherPlatform
        /// It has none.
        case none
    }

    /// The size of the file system in bytes, as its volume descriptor says; nil if there is no ISO 9660 file system.
    package var volumeBytes: Int64?
    /// Whether it has any file system of a CD or DVD: ISO 9660 or UDF.
    package var hasFileSystem: Bool
    /// Whether it boots.
    package var boot: Boot

    /// Describes a disc; see the properties.
    package init(volumeBytes: Int64?, hasFileSystem: Bool = true, boot: Boot) {
        self.volumeBytes = volumeBytes
        self.hasFileSystem = hasFileSystem
        self.boot = boot
    }
}

extension OpticalDisc {
    private static let sector = 2048

    /// Looks at an image: ISO 9660 (ECMA-119, 8.4) has its primary volume descriptor in sector 16, El Torito's boot
    /// record is in sector 17.
    package init(_ read: FileBytes) throws(Errno) {
        let descriptors = try read(Int64(16 * Self.sector), 2 * Self.sector)
        volumeBytes = Self.volumeBytes(descriptors)
        // UDF's volume recognition sequence (ECMA-167, part 2, 9.2) begins after the descriptors of ISO 9660, if any.
        hasFileSystem = volumeBytes != nil || ["CD001", "BEA01"].contains { descriptors.has($0, at: 1) }
        boot = try Self.boot(Array(descriptors.dropFirst(Self.sector)), read)
    }

    private static func volumeBytes(_ descriptor: [UInt8]) -> Int64? {
        guard descriptor.first == 1, descriptor.has("CD001", at: 1) else { return nil }
        let (blocks, blockSize) = (
            descriptor.littleEndian(at: 80, bytes: 4), descriptor.littleEndian(at: 128, bytes: 2)
        )
        // Each number is stored in both byte orders; if they disagree, neither can be trusted.
        guard blocks == descriptor.bigEndian(at: 84, bytes: 4), blockSize == descriptor.bigEndian(at: 130, bytes: 2)
        else {
            return nil
        }
        return Int64(blocks * blockSize)
    }

    /// As SeaBIOS looks for it (src/cdrom.c, cdrom_boot): a catalog with a validation entry for x86 and a bootable one.
    private static func boot(_ record: [UInt8], _ read: FileBytes) throws(Errno) -> Boot {
        guard record.first == 0, record.has("CD001", at: 1), record.has("EL TORITO SPECIFICATION", at: 7) else {
            return .none
        }
        let catalog = try read(Int64(record.littleEndian(at: 71, bytes: 4)) * Int64(sector), 64)
        guard catalog.count == 64, catalog[0] == 1, catalog.littleEndian(at: 30, bytes: 2) == 0xaa55 else {
            return .none
        }
        return catalog[1] == 0 && catalog[32] == 0x88 ? .bios : .otherPlatform
    }
}
