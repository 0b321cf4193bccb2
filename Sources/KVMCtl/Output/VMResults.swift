import SystemPackage
import VMCore

/// What a command says of VMs in JSON: an element each, in the order that they were asked for. A VM for which it failed is
/// an element with `error` (docs/json.md, Failures).
final class VMResults {
    private let schema: String
    /// What else the schema has of a VM for which it failed.
    private let failing: (VMError) -> [String: JSON]
    private var elements: [[String: JSON]] = []
    /// Which element is being made.
    private var current = 0

    init(_ schema: String, failing: @escaping (VMError) -> [String: JSON]) {
        self.schema = schema
        self.failing = failing
    }

    /// The whole document.
    var json: [JSON] { elements.filter { !$0.isEmpty }.map(JSON.object) }

    /// From here on it is about the VM of this number.
    func turn(to number: Int) {
        while elements.count <= number { elements.append([:]) }
        current = number
    }

    /// What came of the VM.
    func add(_ members: [String: JSON]) {
        elements[current] = ["schema": .string(schema)].merging(members) { _, new in new }
    }

    /// The same as one object.
    func add(_ object: JSON) {
        if case .object(let members) = object { add(members) }
    }

    /// That it failed for the VM; what is known of it already stays.
    ///
    /// - Parameter name: as it was asked for; nil: it failed for all.
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
    /// Runs a command about VMs, and prints what came of it as one JSON document, also where it failed.
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
