import VMCore

extension JSON {
    /// A number, or null.
    static func optional(_ number: (some BinaryInteger)?) -> JSON { number.map { .int($0) } ?? .null }

    /// A number.
    static func int(_ number: some BinaryInteger) -> JSON { .integer(Int64(clamping: number)) }

    /// An array of strings.
    static func strings(_ texts: some Sequence<some CustomStringConvertible>) -> JSON {
        .array(texts.map { .string($0.description) })
    }
}
