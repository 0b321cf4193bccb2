/// What an image's first bytes look like. A guest can write any of them: never a reason to open the image that way,
/// only one to ask.
public enum ImageContent: Equatable, Sendable {
    /// Nothing known: a raw image, or one that is empty.
    case raw
    /// qcow2 (QEMU, docs/interop/qcow2). `outside`: the backing file or data file that its header names.
    case qcow2(outside: String?)
    /// Another format, by QEMU's name.
    case other(String)

    /// How many bytes of an image are enough to tell.
    public static let headerLength = 4096

    /// QEMU's name for the format.
    public var name: String {
        switch self {
        case .raw: "raw"
        case .qcow2: "qcow2"
        case .other(let name): name
        }
    }

    /// Looks at the beginning of an image, `headerLength` bytes or all there are.
    public init(header: [UInt8]) {
        func has(_ magic: String, at offset: Int = 0) -> Bool {
            header.count >= offset + magic.utf8.count && header[offset...].starts(with: magic.utf8)
        }
        if header.starts(with: [0x51, 0x46, 0x49, 0xfb]) {
            let version = Self.bigEndian(header, at: 4, bytes: 4)
            self = version == 1 ? .other("qcow") : .qcow2(outside: Self.outsideFile(header, version: version))
        } else if has("KDMV") || has("COWD") || has("# Disk DescriptorFile") {
            self = .other("vmdk")
        } else if has("conectix") {
            self = .other("vpc")
        } else if has("vhdxfile") {
            self = .other("vhdx")
        } else if header.count >= 68, header[64..<68].elementsEqual([0x7f, 0x10, 0xda, 0xbe]) {
            self = .other("vdi")
        } else if has("QED\0") {
            self = .other("qed")
        } else if has("WithoutFreeSpace") || has("WithouFreSpacExt") {
            self = .other("parallels")
        } else {
            self = .raw
        }
    }

    /// The backing file's name; or a hint at a data file (incompatible feature bit 2), whose name is further on.
    private static func outsideFile(_ header: [UInt8], version: UInt64) -> String? {
        let offset = bigEndian(header, at: 8, bytes: 8)
        let length = bigEndian(header, at: 16, bytes: 4)
        if offset != 0 {
            guard length <= 1023, offset <= UInt64(header.count), offset + length <= UInt64(header.count) else {
                return "its backing file"
            }
            return String(decoding: header[Int(offset)..<Int(offset + length)], as: UTF8.self)
        }
        return version >= 3 && bigEndian(header, at: 72, bytes: 8) & 4 != 0 ? "its data file" : nil
    }

    /// An unsigned number; 0 where the header is too short.
    private static func bigEndian(_ header: [UInt8], at offset: Int, bytes: Int) -> UInt64 {
        guard header.count >= offset + bytes else { return 0 }
        return header[offset..<offset + bytes].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
