import ArgumentParser
import Glibc
import VMCore
import VMReports

/// `--quiet`, of a command without `--json`.
struct QuietOption: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print no notices, only results and errors.")
    var quiet = false

    /// Takes effect for the whole process, as soon as it is parsed: what a crashed command left is cleaned up before
    /// this one runs, and that says something too.
    func validate() { if quiet { Message.isQuiet = true } }
}

/// `--json`: the format of a command's results.
///
/// `--quiet` stands here again, because a group within a group takes ArgumentParser longer than all of a command's flags.
struct OutputOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print no notices, only results and errors.")
    var quiet = false

    @Flag(help: "Print JSON.")
    var json = false

    init() {}

    /// Those of `list`, which declares them itself: each group costs ArgumentParser as much as reading ten VMs.
    init(quiet: Bool, json: Bool) { (self.quiet, self.json) = (quiet, json) }

    /// As in `QuietOption`.
    func validate() { if quiet { Message.isQuiet = true } }

    /// The format that was asked for.
    var format: Format { json ? .json : Self.showsColour ? .colouredText : .text }

    /// Whether stdout is a terminal that shows colours, and the user has not refused them (https://no-color.org).
    private static var showsColour: Bool {
        func value(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
        return isatty(STDOUT_FILENO) == 1 && value("NO_COLOR").isEmpty && !["", "dumb"].contains(value("TERM"))
    }

    /// Prints a report.
    func print(_ report: some Report) {
        PrintedResults.print(report, as: format)
        if format.isForPeople { report.remarks.forEach(Message.note) }
    }

    /// Reports on one of the VMs that a command is about: now to people, else in the document on all of them.
    func print(_ report: some ObjectReport, among results: VMResults) {
        if format.isForPeople { print(report) } else { results.add(report) }
    }

    /// Runs a command on VMs, and prints its results as one document, even if it failed.
    ///
    /// - Parameter failing: The members that the schema has for a VM for which the command failed.
    func list(
        _ schema: Schema, failing: @escaping (VMError) -> Members = { _ in [:] }, _ body: (VMResults) throws -> Void
    ) throws {
        let results = VMResults(schema, failing: failing)
        defer { print(results) }
        do { try body(results) } catch let error as VMError {
            if results.isEmpty { results.fail(nil, error) }
            throw error
        }
    }
}
