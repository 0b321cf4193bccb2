import VMCore

/// VMs that stand on an image or on a template, in words.
struct StandingVMs: CustomStringConvertible {
    private let names: [VMName]

    /// nil if there are none.
    init?(_ names: [VMName]) {
        guard !names.isEmpty else { return nil }
        self.names = names
    }

    /// The first ones by name, and how many others there are.
    var description: String {
        let first = names.prefix(3).map(\.description).joined(separator: ", ")
        return names.count > 3 ? "\(first) and \(names.count - 3) others" : first
    }
}
