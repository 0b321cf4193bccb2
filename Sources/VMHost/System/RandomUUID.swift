import VMCore

extension UUID {
    /// A new version 4 UUID (RFC 9562, 5.4), from getrandom(2).
    package static func random() -> UUID { UUID((0..<16).map { _ in .random(in: 0...255) }, version: 4) }
}
