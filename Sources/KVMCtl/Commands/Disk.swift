import ArgumentParser
import VMCore
import VMHost
import VMLife

/// `kvmctl disk`.
struct Disk: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disk", _superCommandName: Root.name,
        abstract: "Create, list, show, check, attach, detach and grow the disks of VMs.",
        subcommands: [
            DiskCreate.self, DiskList.self, DiskInfo.self, DiskCheck.self, DiskAttach.self, DiskDetach.self,
            DiskGrow.self,
        ])
}

/// `kvmctl disk attach`.
struct DiskAttach: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Attach a disk to a VM, as the first DISKn that is free.",
        discussion: ChangeFlags.discussion)

    @Argument(help: "The VM: a name, or the path of a params file.", completion: .vm)
    var vm: String

    @Argument(help: "The image or block device.", completion: .file())
    var file: String

    @Option(
        help: "Create a missing image with this size, such as 8G, and with that format.",
        transform: OptionValue.diskSize)
    var size: ByteCount?

    @Option(help: "The image's format: raw or qcow2. Default: raw, unless the content looks like another.")
    var format: DiskFormat?

    @Flag(name: .customLong("readonly"), help: "Let the guest only read it.")
    var isReadOnly = false

    @Option(help: "The serial number that the guest sees.")
    var serial: String?

    @Option(help: "What it is on: virtio, scsi or sata. Default: virtio, the only one that can be plugged.")
    var bus: DiskBus?

    @OptionGroup var how: ChangeFlags

    func validate() throws {
        if file.isEmpty { throw ValidationError("the name of the image is empty") }
    }

    func run() throws {
        let disk = NewDisk(
            path: absolutePath(file), size: size, format: format, isReadOnly: isReadOnly, serial: serial,
            bus: bus)
        try how.change(vm) { vm, request in try vm.attach(disk, request) }
    }
}

/// `kvmctl disk detach`.
struct DiskDetach: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Detach a disk from a VM. The image stays.",
        discussion: """
            The guest of a running VM is asked to let go of it, and never forced to: unmount it there first. \
            \(ChangeFlags.discussion)
            """)

    @Argument(help: "The VM: a name, or the path of a params file.", completion: .vm)
    var vm: String

    @Argument(
        help: "The disk, as vm.params calls it: DISK1.", transform: { try OptionValue.device($0, of: .disk) })
    var disk: KeyName

    @OptionGroup var patience: GuestPatience
    @OptionGroup var how: ChangeFlags

    func run() throws {
        try how.change(vm, patience: patience.wait) { vm, request in try vm.detach(disk, request) }
    }
}

/// `kvmctl disk grow`.
struct DiskGrow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grow",
        abstract: "Make a VM's disk larger.",
        discussion: """
            A running guest sees it at once; partitions and file systems on it are the guest's to grow. DISKn_SIZE \
            grows with it where the file has it. A disk never shrinks.
            """)

    @Argument(help: "The VM: a name, or the path of a params file.", completion: .vm)
    var vm: String

    @Argument(
        help: "The disk, as vm.params calls it: DISK0.", transform: { try OptionValue.device($0, of: .disk) })
    var disk: KeyName

    @Argument(help: "Its new size, such as 20G; +5G: that much more.", transform: OptionValue.diskGrowth)
    var size: DiskGrowth

    @OptionGroup var how: ReportedChange

    func run() throws { try how.change(vm, scope: .both) { vm, request in try vm.growDisk(disk, size, request) } }
}

/// `--wait`.
struct GuestPatience: ParsableArguments {
    @Option(help: "How long the guest may take to let go of it. Default: 10s.", transform: OptionValue.duration)
    var wait = Duration.seconds(10)
}

extension DiskFormat: ExpressibleByArgument {}
extension DiskBus: ExpressibleByArgument {}
