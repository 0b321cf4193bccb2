import Testing

@testable import VMCore

@Suite struct ForeignContentTests {
    private static func sector(_ beginning: [UInt8], at offset: Int = 0) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1024)
        bytes.replaceSubrange(offset..<offset + beginning.count, with: beginning)
        return bytes
    }

    @Test(
        arguments: [
            ("PK\u{3}\u{4}", .zip), ("PK\u{5}\u{6}", .zip), ("PK\u{7}\u{8}", .zip), ("Rar!\u{1a}\u{7}\u{1}\0", .rar),
            ("BZh91AY&SY", .bzip2), ("LZIP\u{1}", .lzip), ("<!DOCTYPE html>", .page), ("\n <html lang=en>", .page),
            ("\u{feff}<?xml version=\"1.0\"?>", .page), ("<Error><Code>AccessDenied", .page),
            ("version https://git-lfs.github.com/spec/v1", .pointer),
        ] as [(String, ForeignContent)])
    func knowsWhatIsNoImage(_ beginning: String, _ content: ForeignContent) {
        #expect(ForeignContent(header: Self.sector(Array(beginning.utf8))) == content)
    }

    @Test func knowsMagicsThatAreNoText() {
        let sector = Self.sector
        #expect(ForeignContent(header: sector([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], 0)) == .sevenZip)
        #expect(ForeignContent(header: sector([0x04, 0x22, 0x4d, 0x18], 0)) == .lz4)
        #expect(ForeignContent(header: sector([0x02, 0x21, 0x4c, 0x18], 0)) == .lz4)
        #expect(
            ForeignContent(header: sector(Array("BZh9".utf8) + [0x17, 0x72, 0x45, 0x38, 0x50, 0x90], 0)) == .bzip2)
        #expect(ForeignContent(header: sector(Array("ustar\0".utf8), 257)) == .tar)
        #expect(ForeignContent(header: sector(Array("ustar ".utf8), 257)) == .tar)
    }

    /// Boot sectors (the jumps of FAT, NTFS, GRUB and SYSLINUX), LVM, LUKS, XFS, ISO 9660 and nothing begin otherwise.
    @Test(arguments: [
        "\u{eb}\u{3c}\u{90}MSDOS5.0", "\u{fa}\u{33}\u{c0}", "LUKS", "XFSB", "", "BZh9", "PK", "LZIP", "<", "Rar!",
    ])
    func takesDisksForDisks(_ beginning: String) {
        let bytes = beginning.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        #expect(ForeignContent(header: Self.sector(bytes)) == nil)
    }

    @Test func partitionsMakeItADisk() {
        var bytes = Self.sector(Array("PK\u{3}\u{4}".utf8))
        bytes.replaceSubrange(510..<512, with: [0x55, 0xaa])
        #expect(ForeignContent(header: bytes) == nil)
        bytes = Self.sector(Array("ustar".utf8), at: 257)
        bytes.replaceSubrange(512..<520, with: "EFI PART".utf8)
        #expect(ForeignContent(header: bytes) == nil)
        for count in 0...bytes.count { _ = ForeignContent(header: Array(bytes[..<count])) }
    }
}
