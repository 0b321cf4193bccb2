import SystemPackage

/// The notes of an ELF file (elf(5)), as far as a loader looks at them.
struct ELFNotes {
    /// The type of Xen's note that holds the entry point of PVH boot (Xen, public/elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY).
    static let pvhEntry: UInt64 = 18

    private let segments: [[UInt8]]
    private let alignment: Int

    /// Bounds on what is read from a file that may claim anything.
    private static let (mostHeaders, mostBytes): (UInt64, UInt64) = (128, 1 << 16)

    /// - Parameter header: the beginning of the file, which holds the ELF header.
    package init(header: [UInt8], _ read: FileBytes) throws(Errno) {
        let isWide = header.count > 4 && header[4] == 2
        let word = isWide ? 8 : 4
        let table = header.littleEndian(at: isWide ? 32 : 28, bytes: word)
        let length = header.littleEndian(at: isWide ? 54 : 42, bytes: 2)
        let entries = min(header.littleEndian(at: isWide ? 56 : 44, bytes: 2), Self.mostHeaders)
        var found: [[UInt8]] = []
        var alignment = 4
        for index in 0..<entries {
            guard table < UInt64(Int64.max) / 2 else { break }
            let entry = try read(Int64(table + index * length), isWide ? 56 : 32)
            let type = entry.littleEndian(at: 0, bytes: 4)
            guard type == 4 else { continue }  // PT_NOTE
            let offset = entry.littleEndian(at: isWide ? 8 : 4, bytes: word)
            let size = entry.littleEndian(at: isWide ? 32 : 16, bytes: word)
            guard offset < UInt64(Int64.max) else { continue }
            alignment = entry.littleEndian(at: isWide ? 48 : 28, bytes: word) == 8 ? 8 : 4
            found.append(try read(Int64(offset), Int(min(size, Self.mostBytes))))
        }
        segments = found
        self.alignment = alignment
    }

    /// Whether there is a note of that type. Like QEMU, it checks only the type (include/hw/elf_ops.h,
    /// get_elf_note_type).
    func contain(type: UInt64) -> Bool {
        segments.contains { notes in
            var place = 0
            while place + 12 <= notes.count {
                if notes.littleEndian(at: place + 8, bytes: 4) == type { return true }
                let sizes = [0, 4].map { Int(notes.littleEndian(at: place + $0, bytes: 4)) }
                place += 12 + sizes.map { ($0 + alignment - 1) / alignment * alignment }.reduce(0, +)
            }
            return false
        }
    }
}
