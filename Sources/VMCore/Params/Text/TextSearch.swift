extension [UInt8] {
    /// Whether a text is in these bytes. Most files that are read are none of those looked for: this is quicker than
    /// parsing them.
    package func mention(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        return withUnsafeBytes { bytes in
            bytes.indices.contains { bytes[$0] == wanted.first && bytes[$0...].starts(with: wanted) }
        }
    }
}
