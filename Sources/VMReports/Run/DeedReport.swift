import VMCore

/// What a command did to one VM, or would do: one line, and the same as an object's members.
package struct DeedReport: ObjectReport {
    /// That of the command.
    package let schema: Schema
    /// Those of the schema, `name` and `dryRun` among them.
    package let members: Members
    /// One line.
    package let text: [TextBlock]
    /// What else the user should know, whatever the format; of several VMs it is said once.
    package let note: String?
    /// Why a part of it was not done.
    package let problem: VMError?

    /// Reports a deed.
    ///
    /// - Parameters:
    ///   - words: what became of the VM, such as "paused".
    ///   - members: what the schema has beside `name` and `dryRun`.
    package init(
        _ schema: Schema, _ name: VMName, dryRun: Bool, _ words: String, _ members: Members = [:],
        note: String? = nil, problem: VMError? = nil
    ) {
        (self.schema, self.note, self.problem) = (schema, note, problem)
        self.members = members.merging(["dryRun": .bool(dryRun), "name": .string(name.description)]) { own, _ in own }
        text = ["\(name): \(words)"]
    }
}
