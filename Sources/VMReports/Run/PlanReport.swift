import BridgeNet
import SystemPackage
import VMCore

/// `kvmctl start --dry-run`: what a start would do.
package struct PlanReport: ObjectReport {
    private let plan: LaunchPlan

    /// Reports a plan.
    package init(_ plan: LaunchPlan) { self.plan = plan }

    /// What a plan is.
    package var schema: Schema { .plan }

    /// The parts of the plan.
    package var members: Members {
        [
            "dryRun": true,
            "name": .string(plan.name.description),
            "params": .string(plan.file.string),
            "newDisks": .array(plan.newDisks.map { ["path": .string($0.path.string), "size": .int($0.size.bytes)] }),
            "taps": .array(plan.taps.map(\.json)),
            "macvtaps": .array(plan.macvtaps.map(\.json)),
            "policies": .array(plan.policies.map(\.json)),
            "nat": .array(
                (plan.nat?.stations ?? []).map {
                    ["nic": .int($0.nic), "address": .optional($0.address?.description)]
                }),
            "resumes": .bool(plan.savedMemory != nil),
            "cpuSet": .optional(plan.cpus?.description),
            "shares": .array(
                plan.shares.map {
                    ["path": .string($0.path.string), "tag": .string($0.tag), "readOnly": .bool($0.isReadOnly)]
                }),
            "executable": .string(plan.executable),
            "arguments": .strings(plan.argumentVector),
            "descriptors": .array(
                plan.descriptors.map { ["number": .int($0.number), "role": .string($0.role.text)] }),
            "notices": .strings(plan.notices),
        ]
    }

    /// The steps of the start, in order.
    package var text: [TextBlock] {
        let steps =
            disks + networks + plan.linkSteps + servers + ["run as \(plan.credentials.text)"]
            + (plan.cpus.map { ["bind QEMU to the host's CPUs \($0)"] } ?? [])
            + plan.descriptors.map { "descriptor \($0.number): \($0.role.text)" }
        let end = plan.commit.map { "then over QMP: \($0.line())" }
        let verb = plan.savedMemory == nil ? "start" : "go on with the suspended"
        let first = plan.warmImage.map { "go on from the warm image \($0) as \(plan.name)" } ?? "\(verb) \(plan.name)"
        return ["\(first) (\(plan.file))"] + steps.map { "  \($0)" } + execution + end.map { "  \($0)" }
    }

    private var disks: [String] { plan.newDisks.map { "create \($0.path), sparse, \($0.size)" } }

    private var servers: [String] {
        plan.shares.map { share in
            let words = plan.shareServer.map { [$0.path.string] + $0.arguments } ?? []
            return "share \(share.text): \(ShellCommand(words: words))"
        }
    }

    private var networks: [String] {
        var lines: [String] = []
        for case .isolated(let network) in plan.descriptors.map(\.role) {
            lines.append("make the network isolated:\(network), unless it is there")
        }
        guard let nat = plan.nat else { return lines }
        lines.append("make the network nat, unless it is there")
        lines += nat.stations.map { "give NET\($0.nic) the address \($0.address?.description ?? "next free") there" }
        return lines + nat.forwards.map { "forward \($0)" }
    }

    /// QEMU's command line, each group of words on a line.
    private var execution: [TextBlock] {
        let words = plan.arguments.map { "    \(ShellCommand(words: $0.words))" }
        return [
            "  execute \(ShellCommand(words: [plan.executable])) \\", .lines(words.joined(separator: " \\\n")),
        ]
    }
}
