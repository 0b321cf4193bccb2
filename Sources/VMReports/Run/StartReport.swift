import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl start`: the result of a start.
package struct StartReport: ObjectReport {
    private let name: VMName
    private let outcome: Starting.Outcome
    private let details: VMEntry?
    private let timings: [(stage: Stopwatch.Stage, spent: Duration)]?
    private let clock: GuestClock?

    /// Reports a start.
    ///
    /// - Parameters:
    ///     - details: What is known about a VM that was already running. People are not told.
    ///     - timings: How long its stages took; nil: not asked for. People read them on stderr.
    ///     - clock: What became of the clock of a guest that was suspended.
    package init(
        _ name: VMName, _ outcome: Starting.Outcome, details: VMEntry? = nil,
        timings: [(stage: Stopwatch.Stage, spent: Duration)]? = nil, clock: GuestClock? = nil
    ) {
        self.clock = clock
        self.name = name
        self.outcome = outcome
        self.details = details
        self.timings = timings
    }

    /// What a start is.
    package var schema: Schema { .start }

    /// The result, and how to reach the VM.
    package var members: Members {
        let (word, entry) =
            switch outcome {
            case .started(let entry): ("started", entry as VMEntry?)
            case .resumed(let entry): ("resumed", entry)
            case .alreadyRunning: ("alreadyRunning", details)
            }
        var members: Members = [
            "dryRun": false, "name": .string(name.description), "result": .string(word),
            "pid": entry?.pidJSON ?? .null, "vnc": entry?.vncJSON ?? .null, "nics": entry?.nicsJSON ?? [],
            "clock": .optional(clock?.word),
        ]
        if let timings {
            members["timings"] = .object(
                timings.reduce(into: [:]) { $0[$1.stage.rawValue] = .int($1.spent.microseconds) })
        }
        return members
    }

    /// The result, and how to reach the VM: its display, its taps, its process.
    package var text: [TextBlock] {
        switch outcome {
        case .alreadyRunning(let process):
            ["\(name): already running\(process.map { ", pid \($0.pid)" } ?? "")"]
        case .started(let entry): [way("started", entry)]
        case .resumed(let entry): [way("goes on where it was suspended", entry)]
        }
    }

    private func way(_ word: String, _ entry: VMEntry) -> TextBlock {
        .lines((["\(name): \(word)"] + entry.ways(of: name)).joined(separator: ", "))
    }
}

extension VMEntry {
    /// How to reach a VM that was just started.
    fileprivate func ways(of name: VMName) -> [String] {
        var ways: [String] = []
        if let vnc = vm?.vnc, let port = vnc.port {
            let password = vnc.hasPassword ? " (password: \(command: "kvmctl vnc \(name)"))" : ""
            ways.append("VNC at \(HostPort(.tcp, vnc.address, port.number).place)\(password)")
        }
        ways += (vm?.nics ?? []).compactMap { nic in
            nic.tap.map { tap in
                let network = nic.network.description.split(separator: ":").last ?? ""
                return "\(tap) on \(network)\(nic.address.map { " at \($0)" } ?? "")"
            }
        }
        if let process { ways.append("pid \(process.pid)") }
        return ways
    }
}
