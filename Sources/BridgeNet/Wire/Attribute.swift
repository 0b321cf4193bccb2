/// An attribute to be sent: a type and either bytes or further attributes (`struct nlattr`, linux/netlink.h). The tree
/// knows its own length, so that code that builds requests never counts bytes.
package struct Attribute: Equatable, Sendable {
    let type: UInt16
    let content: Content

    package enum Content: Equatable, Sendable {
        case bytes([UInt8])
        indirect case nested([Attribute])
    }

    package static func bytes(_ type: UInt16, _ bytes: [UInt8]) -> Attribute {
        Attribute(type: type, content: .bytes(bytes))
    }

    static func number(_ type: UInt16, _ number: some FixedWidthInteger) -> Attribute {
        .bytes(type, [UInt8](number: number))
    }

    /// A NUL-terminated string, such as a name.
    static func name(_ type: UInt16, _ text: String) -> Attribute {
        .bytes(type, Array(text.utf8) + [0])
    }

    static func nested(_ type: UInt16, _ attributes: [Attribute]) -> Attribute {
        Attribute(type: type, content: .nested(attributes))
    }

    /// The length in its header: header and content, without the padding after it.
    var length: Int {
        switch content {
        case .bytes(let bytes): Self.headerLength + bytes.count
        case .nested(let attributes): Self.headerLength + attributes.reduce(0) { $0 + $1.paddedLength }
        }
    }

    /// The length with padding.
    var paddedLength: Int { length + padding(after: length) }

    static let headerLength = 4
    /// NLA_F_NESTED, which newer kernels require and older ones ignore.
    private static let nestedFlag: UInt16 = 1 << 15
    /// NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
    static let typeMask: UInt16 = 0x3fff

    /// All attributes of one level, in order and as they were received, so that they can be sent again.
    static func all(decoding bytes: ArraySlice<UInt8>) throws(WireError) -> [Attribute] {
        var found: [Attribute] = []
        try split(bytes) { type, content in found.append(.bytes(type, Array(content))) }
        return found
    }

    /// Splits bytes into attributes: types, with all their flags, and contents.
    fileprivate static func split(
        _ bytes: ArraySlice<UInt8>, _ take: (UInt16, ArraySlice<UInt8>) -> Void
    ) throws(WireError) {
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let length = Int(try reader.read(as: UInt16.self, "attribute header"))
            let type = try reader.read(as: UInt16.self, "attribute header")
            guard length >= headerLength else { throw WireError(what: "attribute", problem: .lengthTooSmall(length)) }
            take(type, try reader.take(length - headerLength, "attribute"))
            reader.skip(upTo: padding(after: length))
        }
    }

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

/// Attributes received, at one level; nested ones are decoded on demand.
package struct Attributes {
    private let contents: [(type: UInt16, bytes: ArraySlice<UInt8>)]

    /// Splits bytes into attributes.
    package init(decoding bytes: ArraySlice<UInt8>) throws(WireError) {
        var contents: [(type: UInt16, bytes: ArraySlice<UInt8>)] = []
        try Attribute.split(bytes) { type, content in contents.append((type & Attribute.typeMask, content)) }
        self.contents = contents
    }

    /// The content of an attribute, if it is there. If a type is repeated the last one counts, as in the kernel's
    /// parser (`__nla_parse`, lib/nlattr.c).
    package func bytes(_ type: UInt16) -> ArraySlice<UInt8>? { contents.last { $0.type == type }?.bytes }

    /// The number in an attribute, if it is there.
    func number<Number: FixedWidthInteger>(
        _ type: UInt16, as _: Number.Type = Number.self, _ what: String
    ) throws(WireError) -> Number? {
        guard let bytes = bytes(type) else { return nil }
        var reader = ByteReader(bytes)
        return try reader.read(what)
    }

    /// The text in an attribute up to its NUL, if it is there. Invalid UTF-8 is replaced, not refused: one link's odd
    /// name must not hide the others.
    func text(_ type: UInt16) -> String? {
        bytes(type).map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// The attributes in an attribute, if it is there.
    func nested(_ type: UInt16) throws(WireError) -> Attributes? {
        guard let bytes = bytes(type) else { return nil }
        return try Attributes(decoding: bytes)
    }
}

extension [Attribute] {
    /// The bytes of the last attribute of that type.
    func bytes(_ type: UInt16) -> [UInt8]? {
        guard let attribute = last(where: { $0.type & Attribute.typeMask == type }),
            case .bytes(let bytes) = attribute.content
        else { return nil }
        return bytes
    }

    /// The number in it; nil if it is absent, or not of that size.
    func number<Number: FixedWidthInteger>(_ type: UInt16, as _: Number.Type = Number.self) -> Number? {
        guard let bytes = bytes(type), bytes.count == MemoryLayout<Number>.size else { return nil }
        return bytes.withUnsafeBytes { $0.loadUnaligned(as: Number.self) }
    }

    /// The text in it up to its NUL.
    func text(_ type: UInt16) -> String? { bytes(type).map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } }

    /// Replaces the attributes of this type.
    mutating func set(_ attribute: Attribute) {
        self = map { $0.type & Attribute.typeMask == attribute.type & Attribute.typeMask ? attribute : $0 }
    }

    /// The attributes without those of these types.
    func without(_ types: UInt16...) -> [Attribute] { filter { !types.contains($0.type & Attribute.typeMask) } }
}
