import ArgumentParser
import BridgeNet
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
            create ./web` and `kvmctl create .` create it here. /etc/kvmctl.conf and ~/.config/kvmctl.conf can have \
            other defaults: see `kvmctl settings`.

            The networks: bridge:NAME, a bridge of the host (root only; kvmctl net up makes one); nat, a network of \
            kvmctl's with addresses and a way out (root only); isolated:NAME, one without a way out (root only); \
            macvtap:DEVICE, a network device of the host (root only); user, QEMU's own, which every user may use; and \
            none.

            --set sets any key of vm.params, as a line of the file would: `kvmctl create web --disk 8G --set \
            DISK0_BUS=sata`; `--set DISK0=FILE` uses a disk that is there. Paths in it start at the new VM's directory.

            With --image the first disk is made of an image: of one that `kvmctl image list` shows it is an overlay, which \
            takes little space, or with --copy a copy; another file (qcow2 or raw, also as .gz, .xz or .zst) is copied. \
            --disk is then that disk's size, and further ones are new disks. --ssh-key, --password-file, --user-data, \
            --network-config and --hostname give the guest's cloud-init a seed, from files in the VM's directory: see \
            vm.params(5).

            With --from the file of another VM is the model: the new VM gets a name, UUID and MACs of its own, and empty \
            disks of the same sizes and formats, or overlays of what the model's stand on; forwards and names of taps are \
            left out. All else stays as it is there, such as DESCRIPTION, PROTECT and AUTOSTART, but for what options and \
            --set say: `--set PROTECT=` leaves that key out. Each QEMUARGn has to be set again, or left out. Files for \
            cloud-init, and a VNC password, are copied from the model's directory.

            The disks of a VM that is like a template (TEMPLATE=yes) are overlays of the template's, or with --copy copies.

            With --from-warm they do not boot: each goes on from a warm image of the model (see `kvmctl warm`), with random \
            numbers, a host name, a machine-id, a MAC and so an address of its own, and keeps what it writes. The image is made \
            first where there is none. The model is a template, or has no disks, and its guest has qemu-guest-agent.

            Several VMs are created at once, all or none: `kvmctl create --from t --count 20 lab-%02d` makes lab-01 to \
            lab-20; --list takes a file of comma-separated values, or - for standard input, whose first row names the columns, \
            NAME and keys of vm.params, and in which each further row is a VM. --start starts them.
            """)

    private static let defaults = NewVM.Defaults(isRoot: true)

    @Argument(
        help: ArgumentHelp(
            "The VM's name; or a path, with a `/`, to the directory that will hold it. With --count a pattern: lab-%02d.",
            valueName: "vm"),
        completion: .directory)
    var place: String?

    @Option(help: "Another VM, or a params file, that the new VM is to be like.", completion: .vm)
    var from: String?

    @Option(help: "The same, but its guest goes on from a warm image of that VM, instead of booting.", completion: .vm)
    var fromWarm: String?

    @OptionGroup var warmth: WarmOptions

    @Option(
        help: "With --from-warm: how long the warm image may take if it has to be made first. Default: 5m.",
        transform: OptionValue.duration)
    var timeout: Duration?

    @Option(help: "A new disk of this size, such as 8G, or none; may be repeated.", transform: OptionValue.newDisk)
    var disk: [ByteCount?] = []

    @Option(help: "The image that the first disk is made of: a name of `image list`, or a file.", completion: .file())
    var image: String?

    @Flag(help: "Copy an image that has a name too, or a template's disks, instead of making overlays of them.")
    var copy = false

    @Option(help: "Create the VMs of this file, one a row: comma-separated, below a row of keys.", completion: .file())
    var list: String?

    @OptionGroup var options: NewVMOptions
    @OptionGroup var seed: SeedOptions

    @Option(
        help: "The format of the new disks: raw or qcow2. Default: \(defaults.format.rawValue).",
        transform: OptionValue.format)
    var format: DiskFormat?

    @Option(
        help: """
            A network card: bridge:NAME, nat, isolated:NAME, macvtap:DEVICE, user or none; may be repeated. \
            Default: \(defaults.network) for root, \(NewVM.Defaults(isRoot: false).network) for others.
            """,
        completion: .network, transform: OptionValue.network)
    var net: [Network?] = []

    @Option(
        help: "A port of the host that leads to the guest, such as tcp:127.0.0.1:2222:22; may be repeated.",
        transform: OptionValue.forward)
    var forward: [PortForward] = []

    @Option(
        help: "The VNC display: a number (TCP port \(VNCPort.first) and up), auto or none. Default: \(defaults.vnc).",
        transform: OptionValue.vncDisplay)
    var vnc: VNCDisplay?

    @Option(help: "An ISO that stays attached, or none; may be repeated.", completion: .file(extensions: ["iso"]))
    var cdrom: [String] = []

    @Option(help: "A kernel to boot directly.", completion: .file())
    var kernel: String?

    @Option(help: "The initial RAM disk for --kernel.", completion: .file())
    var initrd: String?

    @Option(help: "The command line for --kernel.")
    var append: String?

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if image == "" { throw ValidationError("--image takes the name of an image, or a file") }
        if copy, image == nil, from == nil, fromWarm == nil {
            throw ValidationError(
                "--copy says what becomes of --image, or of the disks of --from, and neither is given")
        }
        try validatePlaces()
        if image != nil, from != nil { throw ValidationError("--image and --from exclude each other") }
        if image != nil, disk.contains(nil) {
            throw ValidationError("--image makes a disk, and --disk none excludes it")
        }
        if cdrom.contains("") { throw ValidationError("--cdrom takes the path of an ISO") }
        if kernel == "" { throw ValidationError("--kernel takes the path of a kernel") }
        if initrd == "" { throw ValidationError("--initrd takes the path of an initial RAM disk") }
        if net.contains(nil), net.count > 1 {
            throw ValidationError("--net none excludes any other --net")
        }
        if cdrom.contains("none"), cdrom.count > 1 { throw ValidationError("--cdrom none excludes any other --cdrom") }
        if disk.contains(nil), disk.count > 1 { throw ValidationError("--disk none excludes any other --disk") }
    }

    func run() throws { try createAll() }

    /// What the options say of each VM.
    var vm: NewVM {
        var vm = options.vm
        (vm.disks, vm.format) = (disk.isEmpty ? nil : disk.compactMap(\.self), format)
        vm.cdroms = cdrom.isEmpty ? nil : cdrom == ["none"] ? [] : cdrom.map(absolutePath)
        (vm.kernel, vm.initrd, vm.append) = (kernel.map(absolutePath), initrd.map(absolutePath), append)
        (vm.networks, vm.forwards, vm.vnc) = (net.isEmpty ? nil : net.compactMap(\.self), forward, vnc)
        return vm
    }
}
