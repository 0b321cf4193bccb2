/// The names of several VMs, written as one: `lab-%02d` is lab-01, lab-02, and so on.
package struct NamePattern: Equatable, Sendable {
    private let before: String
    private let after: String
    /// The fewest digits: shorter numbers begin with zeros.
    private let width: Int

    /// Reads `lab-%d` or `lab-%02d`.
    ///
    /// - Throws: `.usage` if the number has no place, or several, or anything else follows a `%`.
    package init(_ text: String) throws(VMError) {
        let parts = text.split(separator: "%", omittingEmptySubsequences: false)
        guard parts.count == 2, let end = parts[1].firstIndex(of: "d") else {
            throw Self.fault(
                text, parts.count == 1 ? "does not say where the number goes" : "is not a pattern of names")
        }
        let digits = parts[1][..<end]
        guard digits.isEmpty || Self.isWidth(digits), let width = Int(digits.isEmpty ? "0" : String(digits)) else {
            throw Self.fault(text, "is not a pattern of names: %\(digits)d is not one of the forms")
        }
        (before, after) = (String(parts[0]), String(parts[1][parts[1].index(after: end)...]))
        self.width = width
    }

    /// `02`: without the zero, names would have spaces.
    private static func isWidth(_ digits: Substring) -> Bool {
        digits.count == 2 && digits.first == "0" && ("1"..."9").contains(digits.last ?? "0")
    }

    private static func fault(_ text: String, _ cause: String) -> VMError {
        VMError(
            .usage, text.isEmpty ? "''" : text, cause,
            remedy: "write %d once, where the number goes, or %02d for 01, 02, …: 'lab-%02d'")
    }

    /// The name with this number.
    package func name(_ number: Int) -> String {
        let digits = String(number)
        return before + String(repeating: "0", count: max(0, width - digits.count)) + digits + after
    }

    /// The first names, from 1 on.
    package func names(_ count: Int) -> [String] { (0..<max(0, count)).map { name($0 + 1) } }

    /// The most VMs that one command creates.
    package static let most = 1000
}
