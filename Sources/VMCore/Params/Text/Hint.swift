/// What to do about a fault in a params file: words, and what the words offer, so that it can be tried before it is said.
package struct Hint: Equatable, Sendable {
    /// In words, a sentence or two.
    var text: String
    /// What it offers, each by itself a way out.
    var offers: [Offer] = []
    /// Values that it names as right ones.
    var examples: [String] = []

    /// A way out.
    package enum Offer: Equatable, Sendable {
        /// Another value.
        case value(String)
        /// Another text for the part of the value that is at fault.
        case part(String)
        /// Lines instead of the line.
        case lines([ParamsLine])
        /// No line at all.
        case removal
        /// More lines.
        case addition([ParamsLine])
    }

    /// A hint with more words behind it.
    func followed(by more: String) -> Hint {
        var longer = self
        longer.text += more
        return longer
    }
}

extension Hint: ExpressibleByStringInterpolation {
    /// Collects the words of a literal, and what it offers.
    package struct StringInterpolation: StringInterpolationProtocol {
        var hint = Hint(text: "")

        package init(literalCapacity: Int, interpolationCount: Int) {}

        package mutating func appendLiteral(_ literal: String) { hint.text += literal }

        /// Words of no consequence.
        package mutating func appendInterpolation(_ text: some CustomStringConvertible) {
            hint.text += text.description
        }

        /// A value that is right.
        package mutating func appendInterpolation(example value: some CustomStringConvertible) {
            hint.text += value.description
            hint.examples.append(value.description)
        }

        /// What to write instead of the value.
        package mutating func appendInterpolation(value: some CustomStringConvertible) {
            hint.text += value.description
            hint.offers.append(.value(value.description))
        }

        /// What to write instead of the part of the value that is at fault.
        package mutating func appendInterpolation(part: String) {
            hint.text += part
            hint.offers.append(.part(part))
        }

        /// What to write instead of the line.
        package mutating func appendInterpolation(line: ParamsLine) {
            hint.text += line.description
            hint.offers.append(.lines([line]))
        }

        /// Words that say to leave the line out.
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

/// A change to a params file that a hint offers, and that was tried: no error is on these lines afterwards.
package enum LineEdit: Equatable, Sendable {
    /// Write lines in the place of a line, which is counted from 1; without any it is left out.
    case replace(line: Int, by: [ParamsLine])
    /// Write lines at the end of the file.
    case append([ParamsLine])
}
