import BridgeNet
import SystemPackage
import VMCore

extension LaunchPlan {
    /// The steps of a start.
    var text: String {
        var lines = ["start \(name) (\(file))"]
        for disk in newDisks { lines.append("  create \(disk.path), sparse, \(disk.size)") }
        for case .isolated(let network) in descriptors.map(\.role) {
            lines.append("  make the network isolated:\(network), unless it is there")
        }
        if let nat {
            lines.append("  make the network nat, unless it is there")
            lines += nat.stations.map {
                "  give NET\($0.nic) the address \($0.address?.description ?? "next free") there"
            }
            lines += nat.forwards.map { "  forward \($0)" }
        }
        lines += networkSteps
        lines.append("  run as \(credentials.text)")
        for descriptor in descriptors { lines.append("  descriptor \(descriptor.number): \(descriptor.role.text)") }
        lines.append("  execute \(ShellCommand(words: [executable])) \\")
        let words = arguments.map { "    \(ShellCommand(words: $0.words))" }
        lines.append(words.joined(separator: " \\\n"))
        for command in commit { lines.append("  then over QMP: \(command.line())") }
        return lines.joined(separator: "\n")
    }

    /// The same as JSON (docs/json.md, schema kvmctl.plan/1).
    var json: JSON {
        [
            "schema": "kvmctl.plan/1",
            "dryRun": true,
            "name": .string(name.description),
            "params": .string(file.string),
            "newDisks": .array(
                newDisks.map { ["path": .string($0.path.string), "size": .integer($0.size.bytes)] }),
            "taps": .array(taps.map(\.json)),
            "macvtaps": .array(macvtaps.map(\.json)),
            "policies": .array(policies.map(\.json)),
            "nat": .array(
                (nat?.stations ?? []).map {
                    ["nic": .integer(Int64($0.nic)), "address": .optional($0.address?.description)]
                }),
            "executable": .string(executable),
            "arguments": .array(argumentVector.map(JSON.string)),
            "descriptors": .array(
                descriptors.map { ["number": .integer(Int64($0.number)), "role": .string($0.role.text)] }),
            "notices": .array(notices.map(JSON.string)),
        ]
    }
}

extension Credentials {
    var text: String {
        switch self {
        case .caller: "the caller, without capabilities"
        case .ownUID: "a uid of its own, without capabilities"
        case .user(let name, let uid, let gid, _): "\(name) (uid \(uid), gid \(gid)), without capabilities"
        }
    }
}

extension Descriptor.Role {
    var text: String {
        switch self {
        case .monitorInput: "what the recording monitor reads"
        case .record: "flight record"
        case .messages: "QEMU's messages"
        case .lock: "the VM's lock"
        case .uidLock: "the lock of its uid"
        case .monitorSocket: "QMP socket, listening"
        case .serialSocket: "serial console's socket, listening"
        case .agentSocket: "guest agent's socket, listening"
        case .consoleLog: "console log"
        case .image(let path, let writable, let direct):
            "\(path), \(writable ? "read-write" : "read-only")\(direct ? ", O_DIRECT" : "")"
        case .macvtap(let nic): "hold on the macvtap of NET\(nic)"
        case .portRules: "hold on the rules of its NICs"
        case .taps: "hold on its taps"
        case .tap(let nic, let queue): "tap of NET\(nic)\(Self.text(ofQueue: queue))"
        case .vhost(let nic, let queue): "vhost-net of NET\(nic)\(Self.text(ofQueue: queue))"
        case .isolated(let network): "hold on isolated:\(network)"
        case .natNetwork: "hold on nat"
        case .natLease: "hold on its addresses on nat"
        case .hostPort(let port): "\(port.transport.rawValue) port \(port.number), taken"
        case .blob(let path): "\(path)"
        case .secret(let path): "password from \(path)"
        case .madeSecret: "password made for this start"
        }
    }

    /// Most taps have one queue, which needs no number.
    private static func text(ofQueue queue: Int) -> String { queue == 0 ? "" : ", queue \(queue)" }
}

extension Origin {
    /// Where a value comes from, for `explain`.
    var text: String {
        switch self {
        case .line(let number, let key): "line \(number), \(key)"
        case .standard(let key): "\(key), its default"
        case .everyVM: "default of every VM"
        case .derived(let text): text
        case .option(let name): name
        case .host(let fact): "the host: \(fact)"
        }
    }
}
