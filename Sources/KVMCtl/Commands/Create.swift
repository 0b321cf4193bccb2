import ArgumentParser
import BridgeNet
import SystemPackage
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl create`.
struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", _superCommandName: Root.name,
        abstract: "Create a VM: its vm.params and its disks, which take no space until they are written to.",
        discussion: """
            A name creates the VM under the first directory of VMs that you may write to, where `kvmctl start` finds \
            it: /vms for root, ~/vms for others, or those in KVMCTL_VMS. `kvmctl create web` creates /vms/web; `kvmctl \
            create ./web` and `kvmctl create .` create it here. /etc/kvmctl.conf and ~/.config/kvmctl.conf can have \
            other defaults: see `kvmctl settings`.
            """)

    @Argument(
        help: ArgumentHelp(
            "The VM's name; or a path, with a `/`, to the directory that will hold it.", valueName: "vm"),
        completion: .directory)
    var place: String

    @Option(help: "A disk of this size, such as 8G, or none; may be repeated.", transform: OptionValue.newDisk)
    var disk: [ByteCount?] = []

    @Option(help: "Memory; a bare number is MiB. Default: 1G.", transform: OptionValue.memory)
    var memory: ByteCount?

    @Option(help: "Virtual processors. Default: 1.", transform: OptionValue.cpus)
    var cpus: Int?

    @Option(
        help: """
            A network card: bridge:NAME, nat, isolated:NAME, macvtap:DEVICE, user or none; may be repeated. \
            Default: bridge:br0.
            """,
        completion: .network, transform: OptionValue.network)
    var net: [Network?] = []

    @Option(
        help: "The VNC display: a number (TCP port \(VNCPort.first) and up), auto or none. Default: auto.",
        transform: OptionValue.vncDisplay)
    var vnc: VNCDisplay?

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
        if disk.contains(nil), disk.count > 1 { throw ValidationError("--disk none excludes any other --disk") }
    }

    func run() throws {
        let site = try Site.current
        let usual = site.settings.create
        let networks = net.isEmpty ? try usual.networks ?? [Self.usualNetwork()] : net.compactMap(\.self)
        if let name { try site.refuseTaken(name) }
        let vm = NewVM(
            place: try site.place(forNew: place), name: name, memory: memory ?? usual.memory,
            cpus: cpus ?? usual.cpus, disks: disk.isEmpty ? usual.disks : disk.compactMap(\.self), networks: networks,
            vnc: vnc ?? usual.vnc, cdroms: cdrom.map(absolutePath))
        let creating = try Creating(vm, in: site, trust: try site.trust(), looking: dryRun.isOn)
        try creating.check()
        creating.warnings.forEach(Message.note)
        if !dryRun.isOn { try creating.create() }
        output.print(
            CreateReport(
                isDryRun: dryRun.isOn, file: creating.file, paramsText: creating.text, root: vm.place.newRoot,
                disks: zip(creating.disks, vm.disks).map { SparseDisk(path: $0, size: $1) }))
    }

    private static func usualNetwork() throws -> Network {
        guard let bridge = DeviceName("br0") else { throw VMError(.bug, "br0", "is no interface name") }
        return .bridge(bridge)
    }
}
