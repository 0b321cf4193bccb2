import ArgumentParser
import BridgeNet
import SystemPackage
import VMCore

/// `kvmctl create`.
struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a new VM: its vm.params and its disks, which take no space until they are written.")

    @Argument(help: "The directory that will hold it.", completion: .directory)
    var directory: String

    @Option(help: "A disk of this size, such as 8G; may be repeated.")
    var disk: [DiskSize] = []

    @Option(help: "Memory; a bare number is MiB.")
    var memory = ByteCount(bytes: 1 << 30)

    @Option(help: "Virtual processors.")
    var cpus = 1

    @Option(help: "A network card: bridge:NAME, user or none; may be repeated. Default: bridge:br0.")
    var net: [NetworkArgument] = []

    @Option(help: "The VNC display: a number (TCP port 5900 and up), auto or none.")
    var vnc = VNCArgument(display: .auto)

    @Option(help: "An ISO that stays attached; may be repeated.", completion: .file(extensions: ["iso"]))
    var cdrom: [String] = []

    @Option(help: "The VM's name; default: the directory's.")
    var name: String?

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if directory.isEmpty { throw ValidationError("the directory's name is empty") }
        if cdrom.contains("") { throw ValidationError("--cdrom takes the path of an ISO") }
        if let name, VMName(name) == nil {
            throw ValidationError("--name \(name): letters, digits, `._-`, at most \(VMName.maximumLength) bytes")
        }
        if net.contains(where: { $0.network == nil }), net.count > 1 {
            throw ValidationError("--net none goes without other --net")
        }
    }

    func run() throws {
        let networks = net.isEmpty ? [try Self.usualNetwork()] : net.compactMap(\.network)
        let vm = NewVM(
            directory: absolutePath(directory), name: name.flatMap { VMName($0) }, memory: memory, cpus: cpus,
            disks: disk.map(\.size), networks: networks, vnc: vnc.display, cdroms: cdrom.map(absolutePath))
        let creating = try Creating(vm, paths: try Places.current(), looking: dryRun.isOn)
        if !dryRun.isOn {
            try creating.create()
            creating.warnings.forEach(Message.note)
        }
        if output.json {
            print(creating.json(made: !dryRun.isOn).prettyText)
        } else if dryRun.isOn {
            for (path, size) in zip(creating.disks, vm.disks) { print("create \(path), sparse, \(size)") }
            print("write \(creating.file):\n\(creating.text)", terminator: "")
        } else {
            ([creating.file] + creating.disks).forEach { print("created \($0)") }
        }
    }

    private static func usualNetwork() throws -> Network {
        guard let bridge = InterfaceName("br0") else { throw VMError(.bug, "br0", "is no interface name") }
        return .bridge(bridge)
    }
}

extension Creating {
    func json(made: Bool) -> JSON {
        [
            "schema": "kvmctl.create/1", "params": .string(file.string), "made": .bool(made), "text": .string(text),
            "disks": .array(
                zip(disks, vm.disks).map { ["path": .string($0.string), "size": .integer($1.bytes)] }),
        ]
    }
}

/// `--disk`: a size with its unit.
struct DiskSize: ExpressibleByArgument {
    let size: ByteCount

    init?(argument: String) {
        guard let size = try? ByteCount(parsing: argument, bareUnit: nil), size.bytes > 0, size.bytes % 512 == 0 else {
            return nil
        }
        self.size = size
    }
}

/// `--net`; nil: none.
struct NetworkArgument: ExpressibleByArgument {
    let network: Network?

    init?(argument: String) {
        switch argument {
        case "none": network = nil
        case "user": network = .user
        default:
            guard argument.hasPrefix("bridge:"), let bridge = InterfaceName(argument.dropFirst(7)) else { return nil }
            network = .bridge(bridge)
        }
    }
}

/// `--vnc`.
struct VNCArgument: ExpressibleByArgument {
    let display: VNCDisplay

    init(display: VNCDisplay) { self.display = display }

    init?(argument: String) {
        switch argument {
        case "auto": display = .auto
        case "none": display = .none
        default:
            guard let number = Int(argument), (0...59635).contains(number) else { return nil }
            display = .number(number)
        }
    }

    var defaultValueDescription: String { display.description }
}
