/// What to do about a fault in a params file: a text, and the changes that it offers, tried before it is shown.
package struct Hint: Equatable, Sendable {
    /// The text, a sentence or two.
    var text: String
    /// The changes that it offers; each solves the problem by itself.
    var offers: [Offer] = []
    /// Valid values that it names.
    var examples: [String] = []

    /// A change that solves the problem.
    package enum Offer: Equatable, Sendable {
        /// Another value.
        case value(String)
        /// Another text for the part of the value that is wrong.
        case part(String)
        /// Lines instead of the line.
        case lines([ParamsLine])
        /// Removal of the line.
        case removal
        /// Additional lines.
        case addition([ParamsLine])
    }

    /// The hint with more text after it.
    func followed(by more: String) -> Hint {
        var longer = self
        longer.text += more
        return longer
    }
}

extension Hint: ExpressibleByStringInterpolation {
    /// Collects the text of a literal and its offers.
    package struct StringInterpolation: StringInterpolationProtocol {
        var hint = Hint(text: "")

        package init(literalCapacity: Int, interpolationCount: Int) {}

        package mutating func appendLiteral(_ literal: String) { hint.text += literal }

        /// Plain text.
        package mutating func appendInterpolation(_ text: some CustomStringConvertible) {
            hint.text += text.description
        }

        /// A valid value.
        package mutating func appendInterpolation(example value: some CustomStringConvertible) {
            hint.text += value.description
            hint.examples.append(value.description)
        }

        /// What to write instead of the value.
        package mutating func appendInterpolation(value: some CustomStringConvertible) {
            hint.text += value.description
            hint.offers.append(.value(value.description))
        }

        /// What to write instead of the part of the value that is wrong.
        package mutating func appendInterpolation(part: String) {
            hint.text += part
            hint.offers.append(.part(part))
        }

        /// What to write instead of the line.
        package mutating func appendInterpolation(line: ParamsLine) {
            hint.text += line.description
            hint.offers.append(.lines([line]))
        }

        /// Text that says to remove the line.
        package mutating func appendInterpolation(removal words: String) {
            hint.text += words
            hint.offers.append(.removal)
        }

        /// Lines to add.
        package mutating func appendInterpolation(adding lines: ParamsLine...) {
            hint.text += lines.map(\.description).joined(separator: " and ")
            hint.offers.append(.addition(lines))
        }
    }

    package init(stringInterpolation: StringInterpolation) { self = stringInterpolation.hint }

    package init(stringLiteral text: String) { self.init(text: text) }
}

/// A change to a params file that a hint offers, and that was tried: it leaves no error on these lines.
package enum LineEdit: Equatable, Sendable {
    /// Replace a line, counted from 1, by these lines; by none: remove it.
    case replace(line: Int, by: [ParamsLine])
    /// Add lines at the end of the file.
    case append([ParamsLine])
}
