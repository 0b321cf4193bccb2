import VMCore
import VMLife

/// `kvmctl restart`: the stop and the start that it is made of.
package struct RestartReport: ObjectReport {
    private let stop: StopReport
    private let start: any ObjectReport

    /// Reports a restart.
    ///
    /// - Parameter start: the start, or what it would do.
    package init(_ stop: StopReport, _ start: any ObjectReport) { (self.stop, self.start) = (stop, start) }

    /// What a restart is.
    package var schema: Schema { .restart }

    /// Those of both, each with its own schema.
    package var members: Members {
        [
            "dryRun": stop.members["dryRun"] ?? .null, "name": stop.members["name"] ?? .null,
            "stop": stop.json, "start": start.json,
        ]
    }

    /// The lines of both.
    package var text: [TextBlock] { stop.text + start.text }

    /// The remarks of both.
    package var remarks: [String] { stop.remarks + start.remarks }
}
