import VMCore

/// One command as a test that a CI server reads: JUnit's XML, as Jenkins and GitLab take it.
package struct JUnitReport {
    /// How it ended.
    package enum Result {
        case passed
        /// The command failed by itself; and what else went wrong, such as that it left no report.
        case failed(code: Int32, [VMError])
        /// It ended otherwise, or was not run: what went wrong, and kvmctl's exit code.
        case ended([VMError], code: Int32)
    }

    /// The command, for people.
    package var command: String
    /// What it ran on.
    package var model: String
    package var result: Result
    /// How long the command took, and all of it.
    package var taken: Duration
    package var total: Duration
    package var output: [UInt8]
    package var errors: [UInt8]

    package init(
        command: String, model: String, result: Result, taken: Duration, total: Duration, output: [UInt8],
        errors: [UInt8]
    ) {
        (self.command, self.model, self.result) = (command, model, result)
        (self.taken, self.total, self.output, self.errors) = (taken, total, output, errors)
    }

    /// The document.
    package var text: String {
        let (failures, faults) = counts
        let suite = [
            ("name", "kvmctl run"), ("tests", "1"), ("failures", "\(failures)"), ("errors", "\(faults)"),
            ("skipped", "0"), ("time", Self.seconds(total)),
        ]
        let test = [("classname", model), ("name", command), ("time", Self.seconds(taken))]
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites>
            <testsuite\(Self.attributes(suite))>
            <testcase\(Self.attributes(test))>
            \(verdict)\(Self.element("system-out", output))\(Self.element("system-err", errors))</testcase>
            </testsuite>
            </testsuites>

            """
    }

    private var counts: (failures: Int, faults: Int) {
        switch result {
        case .passed: (0, 0)
        case .failed: (1, 0)
        case .ended: (0, 1)
        }
    }

    private var verdict: String {
        switch result {
        case .passed: ""
        case .failed(let code, let problems):
            Self.verdict("failure", ["exit code \(code)"] + problems.map(\.description))
        case .ended(let problems, let code):
            Self.verdict("error", problems.map(\.description) + ["exit code \(code)"])
        }
    }

    private static func verdict(_ kind: String, _ reasons: [String]) -> String {
        let why = reasons.joined(separator: "\n")
        let summary = why.split(separator: "\n").first.map(String.init) ?? ""
        return "<\(kind)\(attributes([("message", summary)]))>\(escaped(why))</\(kind)>\n"
    }

    private static func element(_ name: String, _ bytes: [UInt8]) -> String {
        "<\(name)>\(escaped(String(decoding: bytes, as: UTF8.self)))</\(name)>\n"
    }

    private static func attributes(_ all: [(String, String)]) -> String {
        all.map { " \($0)=\"\(escaped($1, inAttribute: true))\"" }.joined()
    }

    private static func seconds(_ duration: Duration) -> String {
        let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        return "\(milliseconds / 1000)." + String(String(1000 + milliseconds % 1000).dropFirst())
    }

    /// The text with what XML has a meaning for as entities, and without what no XML document may hold (XML 1.0, 2.2).
    private static func escaped(_ text: String, inAttribute: Bool = false) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n", "\t": result += inAttribute ? "&#\(scalar.value);" : String(scalar)
            // A parser would make a line feed of it.
            case "\r": result += "&#13;"
            case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{fffe}", "\u{ffff}": break
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}
