import SystemPackage
import VMCore

/// The format in which a report is printed. This file is the only place that renders one.
package enum Format: CaseIterable, Sendable {
    /// Lines and tables for people, safe to print to a terminal.
    case text
    /// The same in colour, for a terminal.
    case colouredText
    /// One JSON document.
    case json

    /// Whether results are printed as they come, with remarks on stderr. Otherwise they are one document, which is
    /// printed when all is done.
    package var isForPeople: Bool {
        switch self {
        case .text, .colouredText: true
        case .json: false
        }
    }
}

extension Report {
    /// The report as it is printed, with its last line end; empty if there is nothing to print.
    package func rendered(as format: Format) -> String {
        switch format {
        case .text: text.reduce(into: "") { $0 += $1.printable(inColour: false) + "\n" }
        case .colouredText: text.reduce(into: "") { $0 += $1.printable(inColour: true) + "\n" }
        // JSON has its own escapes; others would make it unreadable.
        case .json: json.prettyText + "\n"
        }
    }

    /// The same in as few lines as possible, to be part of a message.
    package func condensed(as format: Format) -> String {
        switch format {
        case .text, .colouredText: rendered(as: .text)
        case .json: json.text
        }
    }

    /// The report as JSON, with its schema in each object.
    package var json: JSON {
        switch content {
        case .object(let members): object(members)
        case .array(let elements): .array(elements.map(object))
        }
    }

    private func object(_ members: Members) -> JSON {
        var members = members
        members["schema"] = .string(schema.rawValue)
        return .object(members)
    }
}

extension TextBlock {
    /// The block, with no name or path in it that could control a terminal.
    fileprivate func printable(inColour: Bool) -> String {
        switch self {
        case .lines(let text): Printable.lines(text)
        // A line end or a tab in a cell would break the columns.
        case .table(let table): table.text(inColour: inColour) { Printable.escaped($0) }
        }
    }
}

extension Printable {
    /// Lines made safe for a terminal, with tabs kept.
    package static func lines(_ text: String) -> String { escaped(text, keeping: ["\n", "\t"]) }
}

extension DefaultStringInterpolation {
    /// A path in a line: what would end the line, or control a terminal, is an escape.
    mutating func appendInterpolation(_ path: FilePath) { appendInterpolation(Printable.escaped(path.string)) }
}
