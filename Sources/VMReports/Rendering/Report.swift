import VMCore

/// What a command has to report: a value, from which every format is rendered (`Format.swift`). It was made before and
/// looks at nothing, so that each report can be tested without a host.
package protocol Report {
    /// The schema of its object, or of each of its objects.
    var schema: Schema { get }
    /// The same for programs.
    var content: Content { get }
    /// The same for people, from top to bottom; empty: nothing is printed.
    var text: [TextBlock] { get }
    /// What people should know besides, on stderr.
    var remarks: [String] { get }
}

extension Report {
    /// Most reports have none.
    package var remarks: [String] { [] }
}

/// A report that is one JSON object, such as that on one VM.
package protocol ObjectReport: Report {
    /// The object's members, without its schema.
    var members: Members { get }
}

extension ObjectReport {
    /// The object.
    package var content: Content { .object(members) }
}

/// The members of a JSON object.
package typealias Members = [String: JSON]

/// A report as JSON. The schema is added when it is rendered.
package enum Content: Equatable {
    /// One object.
    case object(Members)
    /// An array of objects, where there can be several; all have the same schema.
    case array([Members])
}

/// A part of a report's text. Nothing in it is escaped yet.
package enum TextBlock: Equatable {
    /// One line, or several.
    case lines(String)
    /// Columns.
    case table(Table)
}

extension TextBlock: ExpressibleByStringInterpolation {
    /// Lines.
    package init(stringLiteral text: String) { self = .lines(text) }
}
