import SystemPackage
import VMCore
import VMLife

/// `kvmctl adopt`: a params file that says what its VM is, of an old one or of a QEMU that kvmctl did not start.
package struct AdoptReport: ObjectReport {
    /// An adoption.
    package let schema = Schema.adopt
    private let name: VMName
    private let file: FilePath
    private let isDryRun: Bool
    private let lines: [Line]
    private var process: Process?

    private struct Line {
        var key: KeyName
        var value: String
        var reason: String
        var isPending = false
    }

    private struct Process {
        var pid: Int32
        /// Whether it has the lock, or would.
        var isHeld: Bool
        var losses: [AdoptedMachine.Loss]
        var kvmctls: [String]
    }

    /// Reports what became of a file.
    package init(_ name: VMName, file: FilePath, _ updated: UpdatedFile, isDryRun: Bool) {
        (self.name, self.file, self.isDryRun) = (name, file, isDryRun)
        lines = updated.lines.map { line, effect in
            Line(key: line.key, value: line.value, reason: line.reason.words, isPending: effect.isPending)
        }
    }

    /// Reports what became of a process.
    ///
    /// - Parameters:
    ///     - isHeld: Whether it has the VM's lock, or would.
    ///     - isDryRun: Whether nothing was written.
    package init(_ name: VMName, file: FilePath, pid: Int32, _ machine: AdoptedMachine, isHeld: Bool, isDryRun: Bool) {
        (self.name, self.file, self.isDryRun) = (name, file, isDryRun)
        lines = machine.lines.map { Line(key: $0.key, value: $0.value, reason: $0.reason) }
        process = Process(pid: pid, isHeld: isHeld, losses: machine.losses, kvmctls: machine.kvmctls)
    }

    /// The file, and each line; the process, and what its file does not say.
    package var members: Members {
        [
            "dryRun": .bool(isDryRun), "name": .string(name.description), "params": .string(file.string),
            "lines": .array(
                lines.map {
                    [
                        "key": .string("\($0.key)"), "value": .string($0.value), "reason": .string($0.reason),
                        "pending": .bool($0.isPending),
                    ]
                }),
            "pid": process.map { .integer(Int64($0.pid)) } ?? .null,
            "held": process.map { .bool($0.isHeld) } ?? .null,
            "lost": .array(
                (process?.losses ?? []).map { ["argument": .string($0.argument), "reason": .string($0.reason)] }),
            "byKvmctl": .array((process?.kvmctls ?? []).map(JSON.string)),
        ]
    }

    /// A line for each, with the reason.
    package var text: [TextBlock] {
        if lines.isEmpty, process == nil {
            return ["\(name): its file is up to date: it says all that 'create' would fix"]
        }
        let deed = isDryRun && process == nil ? "would add " : ""
        return heading
            + lines.map { line in
                let when = line.isPending ? "; from its next start" : ""
                // A line end in an argument would begin a line that looks like one of kvmctl's own.
                let text = Printable.escaped("\(ParamsLine(line.key, line.value)): \(line.reason)")
                return "\(name): \(deed)\(text)\(when)"
            } + rest
    }

    private var heading: [TextBlock] {
        guard let process else { return [] }
        let held = process.isHeld ? ", and give its lock to pid \(process.pid)" : ""
        guard !isDryRun else { return ["\(name): would write \(file)\(held)"] }
        return [
            process.isHeld
                ? "\(name): adopted, pid \(process.pid), in \(file)"
                : "\(name): wrote \(file); pid \(process.pid) runs on without kvmctl"
        ]
    }

    private var rest: [TextBlock] {
        guard let process else { return [] }
        let losses = process.losses.map { loss in
            TextBlock.lines(
                "\(name): not taken over: \(Printable.escaped("\(loss.argument): \(loss.reason)"))")
        }
        guard !process.kvmctls.isEmpty else { return losses }
        return losses + [
            "\(name): kvmctl does in its own way: \(Printable.escaped(process.kvmctls.joined(separator: ", ")))"
        ]
    }
}

extension FileChange.Effect {
    fileprivate var isPending: Bool {
        switch self {
        case .pending, .unknown: true
        case .saved, .applied, .asRunning: false
        }
    }
}

extension MissingLine.Reason {
    fileprivate var words: String {
        switch self {
        case .nameOfPath: "its name, which came from the path of the file"
        case .derivedUUID: "the UUID that it has, which was derived from this host and the path of the file"
        case .derivedMAC: "the MAC that it has, which was derived from its UUID"
        case .boardOf2010:
            "the board that the script of 2010 ran it on, and its guest knows; kvmctl's default is \(MachineModel.q35)"
        case .boardOfToday: "the board that it has, in this QEMU's version: an upgrade does not change it"
        }
    }
}
