import SystemPackage
import Testing

@testable import VMCore

/// A file made of pieces at offsets.
struct MadeFile {
    var bytes: [UInt8] = []

    func with(_ piece: [UInt8], at offset: Int) -> MadeFile {
        var made = self
        let end = offset + piece.count
        if made.bytes.count < end { made.bytes += [UInt8](repeating: 0, count: end - made.bytes.count) }
        made.bytes.replaceSubrange(offset..<end, with: piece)
        return made
    }

    func with(_ text: String, at offset: Int) -> MadeFile { with(Array(text.utf8), at: offset) }

    func with(_ number: UInt64, at offset: Int, bytes count: Int) -> MadeFile {
        with((0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }, at: offset)
    }

    var read: FileBytes {
        let bytes = bytes
        return { offset, count throws(Errno) in
            guard offset >= 0, offset < bytes.count else { return [] }
            return Array(bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
        }
    }
}

@Suite struct KernelImageTests {
    private func kernel(_ file: MadeFile) throws -> KernelImage {
        try KernelImage(size: Int64(file.bytes.count), file.read)
    }

    private func isNone(_ file: MadeFile, _ words: String) throws -> Bool {
        if case .none(let what) = try kernel(file) { what.description.contains(words) } else { false }
    }

    /// A kernel with Linux's setup header, of protocol 2.15 and two sectors of setup code.
    private let bzImage = MadeFile().with("HdrS", at: 0x202).with(2, at: 0x1f1, bytes: 1)
        .with(0x20f, at: 0x206, bytes: 2).with(0x7fff_ffff, at: 0x22c, bytes: 4).with([0], at: 9000)

    @Test func knowsLinux() throws {
        #expect(try kernel(bzImage) == .linux(.init(version: 0x20f, initrdLimit: 0x7fff_ffff)))
        let high = bzImage.with(2, at: 0x236, bytes: 2)
        #expect(try kernel(high) == .linux(.init(version: 0x20f, initrdLimit: 0xffff_ffff)))
        let old = bzImage.with(0x202, at: 0x206, bytes: 2)
        #expect(try kernel(old) == .linux(.init(version: 0x202, initrdLimit: 0x37ff_ffff)))
    }

    @Test func aCutSetupIsNone() throws {
        #expect(try isNone(bzImage.with(31, at: 0x1f1, bytes: 1), "cut short"))
    }

    @Test func knowsAKernelOfBefore1995() throws {
        let bootSector = MadeFile().with(0xaa55, at: 0x1fe, bytes: 2).with(4, at: 0x1f1, bytes: 1)
            .with(0x800, at: 0x1f4, bytes: 2).with([0], at: 4000)
        #expect(try kernel(bootSector) == .linux(.init(version: 0, initrdLimit: 0)))
        // The boot sector of a disk counts no sectors there.
        #expect(try isNone(MadeFile().with(0xaa55, at: 0x1fe, bytes: 2).with([0], at: 4000), "not a kernel"))
    }

    @Test func knowsMultiboot() throws {
        let header = MadeFile().with([0], at: 6000).with(0x1bad_b002, at: 64, bytes: 4).with(0x1_0000, at: 68, bytes: 4)
        #expect(try kernel(header.with(0xe451_4ffe, at: 72, bytes: 4)) == .multiboot)
        #expect(try isNone(header.with(1, at: 72, bytes: 4), "not a kernel"), "a wrong checksum")
        let elf = MadeFile().with([0], at: 6000).with([0x7f, 0x45, 0x4c, 0x46, 2], at: 0)
            .with(0x1bad_b002, at: 64, bytes: 4).with(0xe452_4ffe, at: 72, bytes: 4)
        #expect(try kernel(elf.with(3, at: 18, bytes: 2)) == .multiboot)
        #expect(try isNone(elf.with(62, at: 18, bytes: 2), "64-bit"))
    }

    /// An ELF file of 64 bits with one note.
    private func elf(note type: UInt64) -> MadeFile {
        MadeFile().with([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], at: 0).with(62, at: 18, bytes: 2)
            .with(64, at: 32, bytes: 8).with(56, at: 54, bytes: 2).with(2, at: 56, bytes: 2)
            .with(1, at: 64, bytes: 4)  // PT_LOAD
            .with(4, at: 120, bytes: 4).with(9000, at: 128, bytes: 8).with(40, at: 152, bytes: 8)
            .with(4, at: 168, bytes: 8)
            // Another note before it, whose name and content are padded.
            .with(3, at: 9000, bytes: 4).with(1, at: 9004, bytes: 4).with(1, at: 9008, bytes: 4)
            .with(4, at: 9020, bytes: 4).with(4, at: 9024, bytes: 4).with(type, at: 9028, bytes: 4).with(
                "Xen\0", at: 9032
            )
            .with(0, at: 9036, bytes: 4)
    }

    @Test func knowsAPVHKernelByItsNote() throws {
        #expect(try kernel(elf(note: 18)) == .pvh)
        #expect(try isNone(elf(note: 17), "PVH"))
    }

    @Test(
        arguments: [
            ([0x1f, 0x8b, 8, 0], "initial RAM disk"), (Array("070701".utf8), "initial RAM disk"),
            (Array("MZ".utf8), "EFI"),
            (Array("<html>".utf8), "not a kernel that QEMU loads"), ([], "is empty"),
        ] as [([UInt8], String)])
    func saysWhatElseItIs(_ bytes: [UInt8], _ words: String) throws {
        let file = bytes.isEmpty ? MadeFile() : MadeFile().with([0], at: 20_000).with(bytes, at: 0)
        #expect(try isNone(file, words))
    }

    /// Whatever a file claims, it is read within bounds.
    @Test func anyFileIsSomething() throws {
        let seeds = [bzImage, elf(note: 18), MadeFile().with([0xff], at: 9000)]
        for seed in seeds {
            for offset in stride(from: 0, to: 600, by: 1) {
                _ = try kernel(seed.with([UInt8](repeating: 0xff, count: 8), at: offset))
            }
            for count in 0...700 { _ = try kernel(MadeFile(bytes: Array(seed.bytes.prefix(count)))) }
        }
    }
}

@Suite struct OpticalDiscTests {
    /// A volume of 100 blocks.
    private let disc = MadeFile().with(1, at: 32768, bytes: 1).with("CD001", at: 32769)
        .with(100, at: 32848, bytes: 4).with([0, 0, 0, 100], at: 32852).with([0, 8, 8, 0], at: 32896)

    private func bootable(platform: UInt64 = 0, indicator: UInt64 = 0x88) -> MadeFile {
        disc.with("CD001", at: 34817).with("EL TORITO SPECIFICATION", at: 34823).with(20, at: 34887, bytes: 4)
            .with(1, at: 40960, bytes: 1).with(platform, at: 40961, bytes: 1).with(0xaa55, at: 40990, bytes: 2)
            .with(indicator, at: 40992, bytes: 1).with([0], at: 41100)
    }

    @Test func readsTheVolumesSize() throws {
        #expect(try OpticalDisc(disc.read) == OpticalDisc(volumeBytes: 204_800, boot: .none))
        // If the two byte orders disagree, neither is trusted.
        let torn = disc.with([0, 0, 0, 99], at: 32852)
        #expect(try OpticalDisc(torn.read) == OpticalDisc(volumeBytes: nil, boot: .none))
    }

    @Test func seesWhetherABIOSBootsIt() throws {
        #expect(try OpticalDisc(bootable().read).boot == .bios)
        #expect(try OpticalDisc(bootable(platform: 0xef).read).boot == .otherPlatform)
        #expect(try OpticalDisc(bootable(indicator: 0).read).boot == .otherPlatform)
        #expect(try OpticalDisc(bootable().with([0, 0], at: 40990).read).boot == .none)
    }

    @Test func seesWhereThereIsNoFileSystem() throws {
        #expect(try OpticalDisc(MadeFile().read) == OpticalDisc(volumeBytes: nil, hasFileSystem: false, boot: .none))
        #expect(
            try OpticalDisc(MadeFile().with("BEA01", at: 32769).with([0], at: 40000).read).hasFileSystem, "UDF alone")
    }
}

@Suite struct QCOW2ConditionTests {
    private func header(version: UInt8 = 3, _ changes: [Int: UInt8] = [:]) -> [UInt8] {
        var header: [UInt8] = [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, version] + [UInt8](repeating: 0, count: 104)
        (header[23], header[27], header[103]) = (16, 1, 104)
        for (offset, byte) in changes { header[offset] = byte }
        return header
    }

    @Test func aGoodOneHasNoFault() {
        #expect(QCOW2Condition(header()) == QCOW2Condition(diskBytes: 1 << 32))
        #expect(QCOW2Condition(header(version: 2)) == QCOW2Condition(diskBytes: 1 << 32))
        #expect(QCOW2Condition(Array("not one".utf8)) == nil)
        #expect(QCOW2Condition(header([79: 2]))?.isCorrupt == true)
    }

    @Test(
        arguments: [
            (9, [:], "version 9"), (3, [23: 48], "2^48"), (3, [72: 1], "features"), (3, [35: 1], "encrypted"),
            (3, [60: 255], "snapshots"), (3, [103: 200], "incomplete"),
        ] as [(UInt8, [Int: UInt8], String)])
    func saysWhyQEMUDoesNotOpenIt(_ version: UInt8, _ changes: [Int: UInt8], _ words: String) throws {
        let fault = try #require(QCOW2Condition(header(version: version, changes))?.fault)
        #expect(fault.description.contains(words))
    }
}
