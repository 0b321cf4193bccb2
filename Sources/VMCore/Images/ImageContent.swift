/// What an image's first bytes look like. A guest can write any of them, so they are a reason to ask, never a reason to
/// open the image that way.
package enum ImageContent: Equatable, Sendable {
    /// Nothing known: a raw image, or one that is empty.
    case raw
    /// qcow2 (QEMU, docs/interop/qcow2). `outside`: the backing file or data file that its header names.
    case qcow2(outside: String?)
    /// Another format, by QEMU's name.
    case other(String)

    /// How many bytes of an image are enough to tell.
    package static let headerLength = 4096

    /// QEMU's name for the format.
    package var name: String {
        switch self {
        case .raw: "raw"
        case .qcow2: "qcow2"
        case .other(let name): name
        }
    }

    /// Looks at the beginning of an image: `headerLength` bytes, or fewer if it is shorter.
    package init(header: [UInt8]) {
        func has(_ magic: String, at offset: Int = 0) -> Bool {
            header.count >= offset + magic.utf8.count && header[offset...].starts(with: magic.utf8)
        }
        if let qcow2 = QCOW2Header(header) {
            self = .qcow2(outside: Self.outsideFile(qcow2))
        } else if header.starts(with: [0x51, 0x46, 0x49, 0xfb]) {
            self = .other("qcow")
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

    /// The name of a file that part of the image is in.
    private static func outsideFile(_ header: QCOW2Header) -> String? {
        if let backing = header.backing {
            if case .named(let name) = backing { return name }
            return "its backing file"
        }
        guard let data = header.data else { return nil }
        if case .named(let name) = data { return name }
        return "its data file"
    }
}
