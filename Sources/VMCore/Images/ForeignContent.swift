/// What a file is that somebody takes for an image, and that is none: an archive, or the page that a server sent instead.
///
/// Nothing says of a raw image that it is one, so these are told by how they begin.
package enum ForeignContent: String, CaseIterable, Sendable {
    case tar = "a tar archive"
    case zip = "a zip archive"
    case sevenZip = "a 7z archive"
    case rar = "a rar archive"
    case bzip2 = "packed with bzip2"
    case lz4 = "packed with lz4"
    case lzip = "packed with lzip"
    case page = "an HTML or XML page"
    case pointer = "a pointer of Git LFS"

    /// Looks at the beginning of a file; nil: it may be an image.
    ///
    /// - Parameter header: `ImageContent.headerLength` bytes, or fewer if it is shorter.
    package init?(header: [UInt8]) {
        guard !Self.isDisk(header), let found = Self.allCases.first(where: { $0.begins(header) }) else { return nil }
        self = found
    }

    /// What to do.
    package var advice: String {
        switch self {
        case .tar: "unpack it first: tar -x"
        case .zip: "unpack it first: unzip"
        case .sevenZip: "unpack it first: 7z x"
        case .rar: "unpack it first: unrar x"
        case .bzip2: "unpack it first: bunzip2"
        case .lz4: "unpack it first: unlz4"
        case .lzip: "unpack it first: lzip -d"
        case .page: "the server sent no image: download it again, and compare its checksum"
        case .pointer: "fetch the file itself: git lfs pull"
        }
    }

    /// A disk with partitions has a signature at the end of its first sector, or at the beginning of its second (UEFI
    /// specification, 5.2 and 5.3), whatever boot code it begins with. In a tar archive zeros are there, in most others
    /// anything else.
    private static func isDisk(_ header: [UInt8]) -> Bool {
        header.has([0x55, 0xaa], at: 510) || header.has(Array("EFI PART".utf8), at: 512)
    }

    private func begins(_ header: [UInt8]) -> Bool {
        switch self {
        // POSIX pax, ustar interchange format; GNU's has spaces behind the word.
        case .tar: header.has(Array("ustar".utf8), at: 257)
        // PKWARE APPNOTE 4.3.7, 4.3.16, 8.5.3: a file, no file, several volumes.
        case .zip: [[3, 4], [5, 6], [7, 8]].contains { header.has(Array("PK".utf8) + $0) }
        // 7zFormat.txt.
        case .sevenZip: header.has([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c])
        case .rar: header.has(Array("Rar!\u{1a}\u{7}".utf8))
        // Its block size, then a block, or the end of an empty file.
        case .bzip2:
            header.has(Array("BZh".utf8)) && header.count > 3 && (0x31...0x39).contains(header[3])
                && (header.has([0x31, 0x41, 0x59, 0x26, 0x53, 0x59], at: 4)
                    || header.has([0x17, 0x72, 0x45, 0x38, 0x50, 0x90], at: 4))
        // lz4_Frame_format.md; the second is the format before it.
        case .lz4: header.has([0x04, 0x22, 0x4d, 0x18]) || header.has([0x02, 0x21, 0x4c, 0x18])
        case .lzip: header.has(Array("LZIP\u{1}".utf8))
        case .page: Self.isPage(header)
        case .pointer: header.has(Array("version https://git-lfs".utf8))
        }
    }

    private static func isPage(_ header: [UInt8]) -> Bool {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        let text = header.dropFirst(header.has(mark) ? mark.count : 0).drop { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
        let start = String(decoding: text.prefix(16), as: UTF8.self).lowercased()
        return ["<!doctype", "<html", "<?xml", "<head", "<error"].contains { start.hasPrefix($0) }
    }
}

extension [UInt8] {
    fileprivate func has(_ magic: [UInt8], at offset: Int = 0) -> Bool {
        count >= offset + magic.count && self[offset...].starts(with: magic)
    }
}
