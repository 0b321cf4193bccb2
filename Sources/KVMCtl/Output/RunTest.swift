import VMCore
import VMLife
import VMReports

/// The command of a run as a test, with what it writes.
struct RunTest {
    let command: [String]
    let model: String
    private let began = ContinuousClock.now
    private let output = OutputCopy()
    private let errors = OutputCopy()

    init(command: [String], model: String) { (self.command, self.model) = (command, model) }

    /// This process's streams.
    var streams: EphemeralRun.Streams {
        var streams = EphemeralRun.Streams(output: .stdout, errors: .stderr)
        (streams.output.copy, streams.errors.copy) = (output, errors)
        return streams
    }

    func report(of outcome: EphemeralRun.Outcome) -> [UInt8] {
        let result: JUnitReport.Result =
            if outcome.code == 0 {
                .passed
            } else if outcome.isCommandsOwn {
                .failed(code: outcome.code, outcome.problems)
            } else {
                .ended(outcome.problems, code: outcome.code)
            }
        return report(result, taken: outcome.taken)
    }

    func report(of error: VMError, code: Int32) -> [UInt8] { report(.ended([error], code: code), taken: .zero) }

    private func report(_ result: JUnitReport.Result, taken: Duration) -> [UInt8] {
        let report = JUnitReport(
            command: "\(ShellCommand(words: command))", model: model, result: result, taken: taken,
            total: .now - began, output: output.bytes, errors: errors.bytes)
        return Array(report.text.utf8)
    }
}
