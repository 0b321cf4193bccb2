/// Makes an archive of the kind that GNU tar, busybox and libarchive read.
package enum TarWriter {
    /// What goes before a file's content.
    ///
    /// - Parameters:
    ///   - permissions: in place of its own.
    ///   - target: of a link.
    package static func header(
        of entry: FileEntry, permissions: UInt32? = nil, target: [UInt8] = []
    ) -> [UInt8] {
        let isDirectory = entry.kind == .directory
        let name = Array("./".utf8) + entry.path + (isDirectory && !entry.path.isEmpty ? [UInt8(ascii: "/")] : [])
        let type: Character = isDirectory ? "5" : entry.kind == .link ? "2" : "0"
        var bytes = long(name, type: "L", over: TarFormat.name) + long(target, type: "K", over: TarFormat.linkTarget)
        bytes += block(
            name, type: type, size: entry.kind == .regular ? entry.size : 0,
            permissions: permissions ?? entry.permissions,
            modified: entry.modified, target: target)
        return bytes
    }

    /// What fills up the last block of a content of this size.
    package static func padding(after size: Int64) -> [UInt8] {
        [UInt8](repeating: 0, count: (TarFormat.block - Int(size % Int64(TarFormat.block))) % TarFormat.block)
    }

    /// What ends an archive.
    package static let end = [UInt8](repeating: 0, count: 2 * TarFormat.block)

    /// A text that its field can't hold goes before its header, as a file of its own (GNU tar manual, "Basic Tar Format").
    private static func long(_ text: [UInt8], type: Character, over field: TarFormat.Field) -> [UInt8] {
        guard text.count > field.length else { return [] }
        let content = text + [0]
        let size = Int64(content.count)
        return block(Array("././@LongLink".utf8), type: type, size: size, permissions: 0o644, modified: 0, target: [])
            + content + padding(after: size)
    }

    private static func block(
        _ name: [UInt8], type: Character, size: Int64, permissions: UInt32, modified: Int64, target: [UInt8]
    ) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: TarFormat.block)
        func put(_ bytes: some Collection<UInt8>, _ field: TarFormat.Field) {
            header.replaceSubrange(
                field.start..<(field.start + min(field.length, bytes.count)), with: bytes.prefix(field.length))
        }
        put(name, TarFormat.name)
        put(number(Int64(permissions), TarFormat.mode), TarFormat.mode)
        put(number(0, TarFormat.owner), TarFormat.owner)
        put(number(0, TarFormat.group), TarFormat.group)
        put(number(size, TarFormat.size), TarFormat.size)
        put(number(modified, TarFormat.modified), TarFormat.modified)
        header[TarFormat.type] = type.asciiValue ?? 0
        put(target, TarFormat.linkTarget)
        put(TarFormat.gnuMagic, TarFormat.magic)
        let sum = number(Int64(TarFormat.sum(header[...])), (0, 7))
        put(sum + [0x20], TarFormat.checksum)
        return header
    }

    /// Octal digits and NUL; binary if there is no room for them.
    private static func number(_ value: Int64, _ field: TarFormat.Field) -> [UInt8] {
        let digits = field.length - 1
        if value >= 0, value < 1 << Int64(3 * digits) {
            let text = String(value, radix: 8)
            return Array(repeating: UInt8(ascii: "0"), count: digits - text.utf8.count) + text.utf8 + [0]
        }
        let fill: UInt8 = value < 0 ? 0xff : 0
        let bytes = (0..<8).reversed().map { UInt8(truncatingIfNeeded: value >> Int64(8 * $0)) }
        return [value < 0 ? 0xff : 0x80] + Array(repeating: fill, count: field.length - 9) + bytes
    }
}
