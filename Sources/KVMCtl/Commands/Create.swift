import ArgumentParser
import BridgeNet
import SystemPackage
import VMCore
import VMHost
import VMLife

/// `kvmctl create`.
struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", _superCommandName: Root.name,
        abstract: "Create a VM: its vm.params and its disks, which take no space until they are written to.",
        discussion: """
            A name creates the VM under the first directory of VMs that you may write to, where `kvmctl start` finds \
            it: /vms for root, ~/vms for others, or those in KVMCTL_VMS. `kvmctl create web` creates /vms/web; `kvmctl \
            create ./web` and `kvmctl create .` create it here.
            """)

    @Argument(
        help: ArgumentHelp(
            "The VM's name; or a path, with a `/`, to the directory that will hold it.", valueName: "vm"),
        completion: .directory)
    var place: String

    @Option(help: "A disk of this size, such as 8G; may be repeated.", transform: OptionValue.diskSize)
    var disk: [ByteCount] = []

    @Option(help: "Memory; a bare number is MiB. Default: 1G.", transform: OptionValue.memory)
    var memory = ByteCount(bytes: 1 << 30)

    @Option(help: "Virtual processors. Default: 1.", transform: OptionValue.cpus)
    var cpus = 1

    @Option(
        help: "A network card: bridge:NAME, user or none; may be repeated. Default: bridge:br0.",
        transform: OptionValue.network)
    var net: [Network?] = []

    @Option(
        help: "The VNC display: a number (TCP port 5900 and up), auto or none. Default: auto.",
        transform: OptionValue.vncDisplay)
    var vnc = VNCDisplay.auto

    @Option(help: "An ISO that stays attached; may be repeated.", completion: .file(extensions: ["iso"]))
    var cdrom: [String] = []

    @Option(help: "The VM's name; default: the directory's.", transform: OptionValue.name)
    var name: VMName?

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if place.isEmpty { throw ValidationError("the name is empty") }
        if cdrom.contains("") { throw ValidationError("--cdrom takes the path of an ISO") }
        if net.contains(nil), net.count > 1 {
            throw ValidationError("--net none excludes any other --net")
        }
    }

    func run() throws {
        let networks = net.isEmpty ? [try Self.usualNetwork()] : net.compactMap(\.self)
        let site = try Site.current
        let vm = NewVM(
            place: try site.place(forNew: place), name: name, memory: memory, cpus: cpus,
            disks: disk, networks: networks, vnc: vnc, cdroms: cdrom.map(absolutePath))
        let creating = try Creating(vm, in: site, trust: try site.trust(), looking: dryRun.isOn)
        try creating.check()
        creating.warnings.forEach(Message.note)
        if !dryRun.isOn { try creating.create() }
        if output.json {
            output.print(creating.json(dryRun: dryRun.isOn))
        } else if dryRun.isOn {
            if let root = vm.place.newRoot { print("create \(root)") }
            for (path, size) in zip(creating.disks, vm.disks) { print("create \(path), sparse, \(size)") }
            print("write \(creating.file):\n\(creating.text)", terminator: "")
        } else {
            ([vm.place.newRoot].compactMap(\.self) + [creating.file] + creating.disks).forEach {
                print("created \($0)")
            }
        }
    }

    private static func usualNetwork() throws -> Network {
        guard let bridge = DeviceName("br0") else { throw VMError(.bug, "br0", "is no interface name") }
        return .bridge(bridge)
    }
}

extension Creating {
    func json(dryRun: Bool) -> JSON {
        [
            "schema": "kvmctl.create/1", "dryRun": .bool(dryRun), "params": .string(file.string),
            "text": .string(text), "root": .optional(vm.place.newRoot?.string),
            "disks": .array(
                zip(disks, vm.disks).map { ["path": .string($0.string), "size": .integer($1.bytes)] }),
        ]
    }
}
