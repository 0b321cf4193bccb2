import SystemPackage
import VMCore

/// A command's results for VMs in JSON: an element for each, in the order in which they were asked for. A VM for which
/// the command failed has an `error` (docs/json.md, Failures).
final class VMResults {
    private let schema: String
    /// The other members that the schema has for a VM for which the command failed.
    private let failing: (VMError) -> [String: JSON]
    private var elements: [[String: JSON]] = []
    /// The index of the current VM's element.
    private var current = 0

    init(_ schema: String, failing: @escaping (VMError) -> [String: JSON]) {
        self.schema = schema
        self.failing = failing
    }

    /// The whole document.
    var json: [JSON] { elements.filter { !$0.isEmpty }.map(JSON.object) }

    /// From here on, results are those of the VM with this number.
    func turn(to number: Int) {
        while elements.count <= number { elements.append([:]) }
        current = number
    }

    /// Adds results of the VM.
    func add(_ members: [String: JSON]) {
        elements[current] = ["schema": .string(schema)].merging(members) { _, new in new }
    }

    /// The same, given as one object.
    func add(_ object: JSON) {
        if case .object(let members) = object { add(members) }
    }

    /// Adds the failure for the VM; what is already known of it stays.
    ///
    /// - Parameter name: The name that was asked for; nil if the command failed for all VMs.
    func fail(_ name: String?, _ error: VMError) {
        if elements.isEmpty { turn(to: 0) }
        var failure: [String: JSON] = [
            "name": .optional(name),
            "error": ["code": .integer(Int64(ExitStatus.code(of: error.code))), "message": .string(error.description)],
        ]
        failure.merge(failing(error)) { own, _ in own }
        add(elements[current].merging(failure) { old, new in old == .null ? new : old })
    }
}

extension OutputOptions {
    /// Runs a command on VMs, and prints its results as one JSON document, even if it failed.
    func list(
        _ schema: String, failing: @escaping (VMError) -> [String: JSON] = { _ in [:] },
        _ body: (VMResults) throws -> Void
    ) throws {
        let results = VMResults(schema, failing: failing)
        defer { if json { print(list: results.json) } }
        do { try body(results) } catch let error as VMError {
            if results.json.isEmpty { results.fail(nil, error) }
            throw error
        }
    }
}
