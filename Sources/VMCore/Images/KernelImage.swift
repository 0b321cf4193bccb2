import SystemPackage

/// A file as QEMU's loader of x86 kernels sees it (QEMU, hw/i386/x86.c, x86_load_linux).
package enum KernelImage: Equatable, Sendable {
    /// A kernel with Linux's boot protocol (Linux, Documentation/arch/x86/boot.rst).
    case linux(LinuxSetup)
    /// One with a multiboot header.
    case multiboot
    /// An ELF file with the entry point of Xen's PVH boot.
    case pvh
    /// None of these.
    case none(Otherwise)

    /// What a file is that QEMU does not load as a kernel.
    package enum Otherwise: Equatable, Sendable {
        case empty
        /// A Linux kernel without the end of its setup code.
        case cutShort
        /// An ELF file without the entry point of PVH.
        case noPVHEntry
        /// It has a multiboot header, and is no ELF file.
        case noELF
        /// A multiboot kernel for 64-bit machines.
        case multiboot64
        case archive
        case efiProgram
        case unknown
    }

    /// What the setup header of a Linux kernel says.
    package struct LinuxSetup: Equatable, Sendable {
        /// The version of the boot protocol, such as 0x20f; 0 for kernels before 1.3.73.
        package var version: UInt16
        /// Above this address the kernel takes no initial RAM disk.
        package var initrdLimit: UInt64

        /// Describes a kernel; see the properties.
        package init(version: UInt16, initrdLimit: UInt64) {
            self.version = version
            self.initrdLimit = initrdLimit
        }
    }
}

extension KernelImage {
    /// What QEMU reads of it first.
    private static let headerLength = 8192

    /// - Parameter size: the file's size in bytes.
    package init(size: Int64, _ read: FileBytes) throws(Errno) {
        let header = try read(0, Self.headerLength)
        if size == 0 {
            self = .none(.empty)
        } else if header.has("HdrS", at: 0x202) {
            self = Self.linux(header, size)
        } else if let flags = Self.multibootFlags(header) {
            self = Self.multiboot(header, flags)
        } else if header.starts(with: [0x7f, 0x45, 0x4c, 0x46]) {
            let hasEntry = try ELFNotes(header: header, read).contain(type: ELFNotes.pvhEntry)
            self = hasEntry ? .pvh : .none(.noPVHEntry)
        } else if Self.isAncient(header, size) {
            self = .linux(LinuxSetup(version: 0, initrdLimit: 0))
        } else {
            self = .none(Self.likeness(of: header))
        }
    }

    private static func linux(_ header: [UInt8], _ size: Int64) -> KernelImage {
        guard setupBytes(header) <= size else { return .none(.cutShort) }
        let version = UInt16(truncatingIfNeeded: header.littleEndian(at: 0x206, bytes: 2))
        // XLF_CAN_BE_LOADED_ABOVE_4G, which QEMU takes as permission to use everything below 4 GiB.
        let isLimitless = version >= 0x20c && header.littleEndian(at: 0x236, bytes: 2) & 2 != 0
        let limit = version >= 0x203 ? header.littleEndian(at: 0x22c, bytes: 4) : 0x37ff_ffff
        return .linux(LinuxSetup(version: version, initrdLimit: isLimitless ? UInt64(UInt32.max) : limit))
    }

    /// The boot sector and the setup code, whose sectors are counted at 0x1f1, where 0 means 4.
    private static func setupBytes(_ header: [UInt8]) -> Int64 {
        let sectors = header.littleEndian(at: 0x1f1, bytes: 1)
        return Int64((sectors == 0 ? 4 : sectors) + 1) * 512
    }

    /// A kernel in the form from before 1995, which some tools still have, such as memtest86+ 5: a boot sector that
    /// counts the sectors of its setup code. QEMU itself checks less, and then runs whatever it is.
    private static func isAncient(_ header: [UInt8], _ size: Int64) -> Bool {
        header.littleEndian(at: 0x1fe, bytes: 2) == 0xaa55 && header.littleEndian(at: 0x1f1, bytes: 1) != 0
            && header.littleEndian(at: 0x1f4, bytes: 2) != 0 && setupBytes(header) <= size
    }

    /// The flags of a multiboot header (Multiboot Specification 0.6.96, 3.1); nil if there is none.
    private static func multibootFlags(_ header: [UInt8]) -> UInt32? {
        for offset in stride(from: 0, to: min(header.count, headerLength) - 48, by: 4)
        where header[offset] == 0x02 && header.littleEndian(at: offset, bytes: 4) == 0x1bad_b002 {
            let flags = UInt32(header.littleEndian(at: offset + 4, bytes: 4))
            let checksum = UInt32(header.littleEndian(at: offset + 8, bytes: 4))
            if 0x1bad_b002 &+ flags &+ checksum == 0 { return flags }
        }
        return nil
    }

    private static func multiboot(_ header: [UInt8], _ flags: UInt32) -> KernelImage {
        // If the header gives no load addresses, it has to be an ELF file; QEMU does not load x86-64 ones this way.
        let saysWhere = flags & 0x0001_0000 != 0
        if saysWhere { return .multiboot }
        guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else {
            return .none(.noELF)
        }
        return header.littleEndian(at: 18, bytes: 2) == 62
            ? .none(.multiboot64) : .multiboot
    }

    private static func likeness(of header: [UInt8]) -> Otherwise {
        let compressed: [[UInt8]] = [
            [0x1f, 0x8b], [0xfd, 0x37, 0x7a, 0x58], [0x28, 0xb5, 0x2f, 0xfd], [0x04, 0x22, 0x4d, 0x18],
            [0x42, 0x5a, 0x68],
        ]
        if header.has("07070") || compressed.contains(where: { header.starts(with: $0) }) {
            return .archive
        }
        return header.has("MZ") ? .efiProgram : .unknown
    }
}

extension KernelImage.Otherwise: CustomStringConvertible {
    /// In words that follow the file's name.
    package var description: String {
        switch self {
        case .empty: "is empty"
        case .cutShort: "is cut short: not even its setup code is complete"
        case .noPVHEntry: "is an ELF file without the PVH entry point that QEMU needs"
        case .noELF: "has a multiboot header, but is not an ELF file"
        case .multiboot64: "is a 64-bit multiboot kernel, but QEMU loads only 32-bit ones"
        case .archive: "is not a kernel: it looks like an initial RAM disk, or another archive"
        case .efiProgram: "is an EFI program, which needs UEFI, and not a kernel that QEMU loads itself"
        case .unknown: "is not a kernel that QEMU loads: neither a bzImage nor multiboot nor ELF"
        }
    }
}
