import BridgeNet
import SystemPackage

/// A command line for bash(1) with which a person runs a VM's QEMU by hand: what kvmctl opens and hands over at a start, QEMU
/// opens itself, by its path. It is one command, a subshell: pasting it leaves nothing behind in the shell, and it removes
/// what it made.
package struct HandStart {
    /// The command.
    package let text: String

    /// A new directory for what kvmctl would have kept below RUN and LOG. Its name is short enough for sockets, and plain.
    package static func directory(of name: VMName) -> FilePath { FilePath("/tmp/kvmctl-\(name)") }

    /// Writes the command down.
    ///
    /// - Parameters:
    ///   - plan: made with `handDirectory`, and for the foreground, so that QEMU itself reads what commits the start.
    ///   - uid: the user who will run it; others than root are asked for more by sudo.
    /// - Throws: `.unavailable`, naming all that only kvmctl makes.
    package init(_ plan: LaunchPlan, in directory: FilePath, uid: UInt32) throws(VMError) {
        let faults =
            plan.descriptors.compactMap(\.role.onlyKvmctlMakes)
            + plan.taps.filter { $0.vlans != nil }.map { "NET\($0.nic)_VLAN" }
        guard faults.isEmpty else {
            throw VMError(
                .unavailable, plan.name.description,
                "by hand it can't have what kvmctl makes at its start: \(faults.joined(separator: ", "))",
                remedy: .run("start it", "kvmctl start \(plan.name)"))
        }
        let links = plan.taps.compactMap { $0.commands(uid: uid) }
        // Only what it made itself: mkdir(1) fails if the directory is there.
        let cleanUp = links.map(\.removal) + [ShellCommand(words: ["rm", "-r", directory.string])]
        let atEnd = cleanUp.map(\.description).joined(separator: "; ")
        var steps: [ShellCommand] = [
            "mkdir -m 700 \(directory)", ShellCommand(words: ["trap", atEnd, "EXIT"]),
            // Of these bash alone would end without it.
            ShellCommand(words: ["trap", "exit", "HUP", "INT", "QUIT", "TERM"]),
        ]
        steps += plan.newDisks.map { disk in
            let isThere: ShellCommand = "test -e \(disk.path)"
            return isThere.otherwise("truncate -s \(disk.size.bytes) \(disk.path)")
        }
        steps += plan.descriptors.compactMap { $0.role.secretByHand(in: directory) } + links.flatMap(\.creation)
        let commands = steps.map { "  \($0.otherwise("exit"))" }
        text = (["("] + commands + Self.execution(of: plan) + [")"]).joined(separator: "\n")
    }

    /// QEMU, and what it reads: each group of words on a line.
    private static func execution(of plan: LaunchPlan) -> [String] {
        let input = ShellCommand(words: ["printf", "%s\\n"] + plan.monitorInput.map { $0.line() })
        let binding = plan.cpus.map { ["taskset", "-c", $0.description] } ?? []
        let groups = [binding + [plan.executable]] + plan.arguments.map(\.words)
        return ["  \(input) |", groups.map { "    \(ShellCommand(words: $0))" }.joined(separator: " \\\n")]
    }
}

extension Descriptor.Role {
    /// The path by which QEMU opens it, if a person runs it; nil if it opens nothing.
    func pathByHand(in directory: FilePath) -> FilePath? {
        switch self {
        case .image(let path, _, _), .blob(let path): path
        case .monitorSocket: directory.appending("qmp.sock")
        case .serialSocket: directory.appending("serial.sock")
        case .agentSocket: directory.appending("agent.sock")
        case .consoleLog: directory.appending("console.log")
        case .firmwareLog: directory.appending("firmware.log")
        case .secret, .madeSecret: directory.appending("vnc.password")
        case .monitorInput, .record, .messages, .lock, .uidLock, .macvtap, .portRules, .taps, .tap, .vhost, .isolated,
            .natNetwork, .natLease, .hostPort, .savedMemory, .scratch, .frozen, .seed, .share:
            nil
        }
    }

    /// What it stands for, if a QEMU without it would be another machine; nil if a person's QEMU opens it itself, or it is
    /// kvmctl's own business.
    fileprivate var onlyKvmctlMakes: String? {
        switch self {
        case .macvtap(let nic): "the macvtap of NET\(nic)"
        case .portRules: "NETn_RATE and NETn_FILTER"
        case .isolated(let network): "the network isolated:\(network)"
        case .natNetwork: "the network nat"
        case .share(let directory): "the server of SHAREn (\(directory.tag))"
        case .savedMemory: "the memory of a suspended VM"
        case .seed: "the seed for cloud-init"
        case .scratch: "the unnamed file for what the guest writes"
        case .frozen: "a disk of a warm image"
        case .image, .blob, .monitorSocket, .serialSocket, .agentSocket, .consoleLog, .firmwareLog, .secret,
            .madeSecret,
            .monitorInput, .record, .messages, .lock, .uidLock, .taps, .tap, .vhost, .natLease, .hostPort:
            nil
        }
    }

    /// The command that makes a password's file; nil: it is no password.
    fileprivate func secretByHand(in directory: FilePath) -> ShellCommand? {
        guard let file = pathByHand(in: directory) else { return nil }
        switch self {
        case .secret(let path):
            let trim: ShellCommand = "tr -d \("\\r\\n")"
            return trim.reading(from: path).writing(to: file)
        case .madeSecret:
            // Six bytes are eight characters, all that VNC takes.
            let random: ShellCommand = "head -c 6 /dev/urandom"
            return random.piped(to: "base64").piped(to: "tr -d \("\\n")").writing(to: file)
        default: return nil
        }
    }
}

extension LaunchPlan.PlannedTap {
    /// The commands that make and remove it, under the name that the plan gives it.
    fileprivate func commands(uid: UInt32) -> (creation: [ShellCommand], removal: ShellCommand)? {
        guard let name = name?.description else { return nil }
        func asRoot(_ words: [String]) -> ShellCommand { ShellCommand(words: (uid == 0 ? [] : ["sudo"]) + words) }
        let kind = ["mode", "tap"] + (queues > 1 ? ["multi_queue"] : [])
        let size = mtu.map { ["mtu", String($0)] } ?? []
        return (
            [
                asRoot(["ip", "tuntap", "add", "dev", name] + kind + ["user", String(uid)]),
                asRoot(["ip", "link", "set", "dev", name] + size + ["master", bridge.description, "up"]),
            ], asRoot(["ip", "tuntap", "del", "dev", name] + kind)
        )
    }
}
