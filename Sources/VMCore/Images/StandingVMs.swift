/// VMs that stand on an image or on a template, in words.
package struct StandingVMs: Equatable, Sendable, CustomStringConvertible {
    private let names: [VMName]

    /// nil if there are none.
    package init?(_ names: [VMName]) {
        guard !names.isEmpty else { return nil }
        self.names = names
    }

    /// The first ones by name, and how many others there are.
    package var description: String {
        let first = names.prefix(3).map(\.description).joined(separator: ", ")
        return names.count > 3 ? "\(first) and \(names.count - 3) others" : first
    }

    /// The same with the verb that says what they do.
    package var standing: String { "\(description) \(names.count == 1 ? "stands" : "stand") on it" }
}
