import Foundation
import Testing

@testable import VMCore
@testable import VMReports

@Suite struct JUnitReportTests {
    private func report(_ result: JUnitReport.Result, output: [UInt8] = [], command: String = "true") -> String {
        JUnitReport(
            command: command, model: "web", result: result, taken: .milliseconds(1234), total: .seconds(5),
            output: output, errors: Array("oops".utf8)
        ).text
    }

    @Test func whatFailedIsCounted() {
        #expect(report(.passed).contains(#"failures="0" errors="0""#))
        let failed = report(.failed(code: 3, []))
        #expect(failed.contains(#"failures="1" errors="0""#))
        #expect(failed.contains(#"<failure message="exit code 3">exit code 3</failure>"#))
        // A test that fails mostly leaves no report: what counts is the test.
        let reportless = report(.failed(code: 3, [VMError(.notFound, "vm:/report", "the guest has no such file")]))
        #expect(reportless.contains(#"failures="1" errors="0""#))
        #expect(
            reportless.contains(
                "<failure message=\"exit code 3\">exit code 3\nvm:/report: the guest has no such file</failure>"))
        let broken = report(.ended([VMError(.unavailable, "vm", "it ended", details: ["and <more>"])], code: 125))
        #expect(broken.contains(#"failures="0" errors="1""#))
        #expect(
            broken.contains("<error message=\"vm: it ended\">vm: it ended\n  and &lt;more&gt;\nexit code 125</error>"))
        #expect(broken.contains(#"time="1.234""#) && broken.contains(#"time="5.000""#))
    }

    /// Whatever a guest writes, it ends no element, and no parser chokes on it.
    @Test func aGuestsWordsAreText() {
        let bytes = Array("</system-out>]]>&\"'\r\n\t\u{1b}[31m\u{0}\u{ffff}é".utf8) + [0xff]
        let text = report(.passed, output: bytes, command: "echo \"<\n>\"")
        #expect(text.contains("<system-out>&lt;/system-out&gt;]]&gt;&amp;&quot;'&#13;\n\t[31mé\u{fffd}</system-out>"))
        #expect(text.contains(#"name="echo &quot;&lt;&#10;&gt;&quot;""#))
    }
}
