/// An attribute to be sent: a type and either bytes or further attributes (`struct nlattr`, linux/netlink.h). The tree
/// knows its own length; nobody who builds a request counts bytes.
struct Attribute: Equatable {
    let type: UInt16
    let content: Content

    enum Content: Equatable {
        case bytes([UInt8])
        indirect case nested([Attribute])
    }

    static func bytes(_ type: UInt16, _ bytes: [UInt8]) -> Attribute {
        Attribute(type: type, content: .bytes(bytes))
    }

    static func number(_ type: UInt16, _ number: some FixedWidthInteger) -> Attribute {
        .bytes(type, [UInt8](number: number))
    }

    /// A string that ends in a NUL, as names do.
    static func name(_ type: UInt16, _ text: String) -> Attribute {
        .bytes(type, Array(text.utf8) + [0])
    }

    static func nested(_ type: UInt16, _ attributes: [Attribute]) -> Attribute {
        Attribute(type: type, content: .nested(attributes))
    }

    /// The length that its header says: header and content, without the padding after it.
    var length: Int {
        switch content {
        case .bytes(let bytes): Self.headerLength + bytes.count
        case .nested(let attributes): Self.headerLength + attributes.reduce(0) { $0 + $1.paddedLength }
        }
    }

    /// What it takes up among others.
    var paddedLength: Int { length + padding(after: length) }

    static let headerLength = 4
    /// NLA_F_NESTED, which newer kernels insist on and older ones ignore.
    private static let nestedFlag: UInt16 = 1 << 15
    /// NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
    fileprivate static let typeMask: UInt16 = 0x3fff

    /// Appends its bytes and padding to a message.
    func encode(into message: inout [UInt8]) {
        message.append(number: UInt16(truncatingIfNeeded: length))
        switch content {
        case .bytes(let bytes):
            message.append(number: type)
            message.append(contentsOf: bytes)
        case .nested(let attributes):
            message.append(number: type | Self.nestedFlag)
            for attribute in attributes { attribute.encode(into: &message) }
        }
        message.append(contentsOf: repeatElement(0, count: padding(after: length)))
    }
}

/// Attributes received, one level of them; what is nested is decoded when asked for.
struct Attributes {
    private var contents: [UInt16: ArraySlice<UInt8>] = [:]

    /// Splits bytes into attributes. Of a type that comes twice the last one counts, as in the kernel's own parser
    /// (`__nla_parse`, lib/nlattr.c).
    init(decoding bytes: ArraySlice<UInt8>) throws(WireError) {
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let length = Int(try reader.read(as: UInt16.self, "attribute header"))
            let type = try reader.read(as: UInt16.self, "attribute header")
            guard length >= Attribute.headerLength else {
                throw WireError(what: "attribute", problem: .lengthTooSmall(length))
            }
            contents[type & Attribute.typeMask] = try reader.take(length - Attribute.headerLength, "attribute")
            reader.skip(upTo: padding(after: length))
        }
    }

    /// The content of an attribute, if it is there.
    func bytes(_ type: UInt16) -> ArraySlice<UInt8>? { contents[type] }

    /// The number in an attribute, if it is there.
    func number<Number: FixedWidthInteger>(
        _ type: UInt16, as _: Number.Type = Number.self, _ what: String
    ) throws(WireError) -> Number? {
        guard let bytes = contents[type] else { return nil }
        var reader = ByteReader(bytes)
        return try reader.read(what)
    }

    /// The text in an attribute up to its NUL, if it is there. Bytes that are not UTF-8 are replaced, not refused: an
    /// odd name of one link must not hide the others.
    func text(_ type: UInt16) -> String? {
        contents[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// The attributes in an attribute, if it is there.
    func nested(_ type: UInt16) throws(WireError) -> Attributes? {
        guard let bytes = contents[type] else { return nil }
        return try Attributes(decoding: bytes)
    }
}
