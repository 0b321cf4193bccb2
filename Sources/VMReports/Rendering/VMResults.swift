import VMCore

/// A command's results for VMs: an element for each, in the order in which they were asked for. A VM for which the
/// command failed has an `error` (docs/json.md, Failures). Not for people, to whom each result is printed as it comes.
package final class VMResults: Report {
    /// The schema of all elements.
    package let schema: Schema
    /// The other members that the schema has for a VM for which the command failed.
    private let failing: (VMError) -> Members
    private var elements: [Members] = []
    /// The index of the current VM's element.
    private var current = 0

    /// No results yet.
    ///
    /// - Parameter failing: The other members that the schema has for a VM for which the command failed.
    package init(_ schema: Schema, failing: @escaping (VMError) -> Members = { _ in [:] }) {
        self.schema = schema
        self.failing = failing
    }

    /// An element for each VM with results.
    package var content: Content { .array(elements.filter { !$0.isEmpty }) }

    /// Nothing: it was printed before.
    package var text: [TextBlock] { [] }

    /// Whether there is no element yet.
    package var isEmpty: Bool { elements.allSatisfy(\.isEmpty) }

    /// Whether it failed for all of them.
    package var isFailure: Bool { elements.allSatisfy { $0.isEmpty || $0["error"] != nil } }

    /// From here on, results are those of the VM with this number.
    package func turn(to number: Int) {
        while elements.count <= number { elements.append([:]) }
        current = number
    }

    /// Sets the result of the VM.
    package func add(_ report: some ObjectReport) {
        if elements.isEmpty { turn(to: 0) }
        elements[current] = report.members
    }

    /// Adds a report on something else that was done with the VM to its result.
    package func add(_ report: some ObjectReport, as member: String) {
        if elements.isEmpty { turn(to: 0) }
        elements[current][member] = .object(report.members)
    }

    /// Adds the failure for the VM; what is already known of it stays.
    ///
    /// - Parameter name: The name that was asked for; nil if the command failed for all VMs.
    package func fail(_ name: String?, _ error: VMError) {
        if elements.isEmpty { turn(to: 0) }
        var failure = failing(error)
        failure["name"] = .optional(name)
        failure["error"] = ["code": .int(error.code.exitCode), "message": .string(error.description)]
        elements[current].merge(failure) { old, new in old == .null ? new : old }
    }
}
