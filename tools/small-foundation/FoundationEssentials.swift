// What ArgumentParser needs of FoundationEssentials: a release is built with this module in its place.
//
// ArgumentParser describes the commands as JSON (`--experimental-dump-help`), which the man pages are made from. Nothing
// else in kvmctl needs Foundation, which was a fifth of the binary. If another version of ArgumentParser needs more of it,
// the release does not compile. Debug builds have the toolchain's module.

/// An error that has a description of its own.
public protocol LocalizedError: Error {
    /// That description.
    var errorDescription: String? { get }
}

/// Only UTF-8 text: all that is made here.
public struct Data { fileprivate let text: String }

extension String {
    /// The only one here.
    public enum Encoding { case utf8 }

    /// The text that was encoded.
    public init?(data: Data, encoding: Encoding) { self = data.text }
}

/// As Foundation's, with `sortedKeys` whatever is set, and without white space.
public final class JSONEncoder {
    /// Nothing that changes what is written.
    public struct OutputFormatting: OptionSet, Sendable {
        /// The options' bits.
        public let rawValue: Int
        /// Takes the options' bits.
        public init(rawValue: Int) { self.rawValue = rawValue }
        /// With white space.
        public static let prettyPrinted = OutputFormatting(rawValue: 1)
        /// Objects' members by their names.
        public static let sortedKeys = OutputFormatting(rawValue: 2)
    }

    /// Not looked at.
    public var outputFormatting: OutputFormatting = []

    /// An encoder of any value.
    public init() {}

    /// The value as one JSON text.
    public func encode(_ value: some Encodable) throws -> Data {
        let node = Node()
        try value.encode(to: NodeEncoder(node: node))
        return Data(text: node.text)
    }
}

/// A value that is being encoded.
private final class Node {
    enum Content {
        case literal(String)
        case array([Node])
        case object([String: Node])
    }

    var content = Content.literal("null")

    var text: String {
        switch content {
        case .literal(let text): text
        case .array(let nodes): "[" + nodes.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.sorted { $0.key < $1.key }.map { Node.quoted($0.key) + ":" + $0.value.text }
                .joined(separator: ",") + "}"
        }
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case ..<" ":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    func member(_ key: some CodingKey) -> Node {
        var members: [String: Node] = if case .object(let members) = content { members } else { [:] }
        let node = Node()
        members[key.stringValue] = node
        content = .object(members)
        return node
    }

    func element() -> Node {
        let node = Node()
        content = .array(elements + [node])
        return node
    }

    var elements: [Node] { if case .array(let nodes) = content { nodes } else { [] } }
}

private struct NodeEncoder: Encoder, SingleValueEncodingContainer {
    let node: Node
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        node.content = .object([:])
        return KeyedEncodingContainer(Members(node: node))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.content = .array([])
        return Elements(node: node)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() { node.content = .literal("null") }
    func encode(_ value: Bool) { node.content = .literal("\(value)") }
    func encode(_ value: String) { node.content = .literal(Node.quoted(value)) }
    func encode(_ value: Double) { node.content = .literal("\(value)") }
    func encode(_ value: Float) { node.content = .literal("\(value)") }
    func encode<Value: Encodable>(_ value: Value) throws {
        if let number = value as? any FixedWidthInteger {
            node.content = .literal("\(number)")
        } else {
            try value.encode(to: self)
        }
    }
}

private struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: Node
    var codingPath: [any CodingKey] { [] }

    func encodeNil(forKey key: Key) { node.member(key).content = .literal("null") }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try NodeEncoder(node: node.member(key)).encode(value)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        NodeEncoder(node: node.member(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        NodeEncoder(node: node.member(key)).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { NodeEncoder(node: node) }
    func superEncoder(forKey key: Key) -> any Encoder { NodeEncoder(node: node.member(key)) }
}

private struct Elements: UnkeyedEncodingContainer {
    let node: Node
    var codingPath: [any CodingKey] { [] }
    var count: Int { node.elements.count }

    func encodeNil() { _ = node.element() }
    func encode<Value: Encodable>(_ value: Value) throws { try NodeEncoder(node: node.element()).encode(value) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        NodeEncoder(node: node.element()).container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        NodeEncoder(node: node.element()).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { NodeEncoder(node: node.element()) }
}
