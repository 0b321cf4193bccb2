import ArgumentParser
import VMCore
import VMHost
import VMLife

/// `kvmctl cdrom`.
struct CDROMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cdrom", _superCommandName: Root.name,
        abstract: "Change the CD in a VM's drive.",
        subcommands: [CDROMInsert.self, CDROMEject.self])
}

/// `kvmctl cdrom insert`.
struct CDROMInsert: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "insert",
        abstract: "Put an ISO into a VM's CD drive.",
        discussion: """
            The CD that is in the drive is taken out first. \(ChangeFlags.discussion) A VM that was started without a \
            CD drive gets one at its next start: CDROM0= in its file makes an empty one.
            """)

    @Argument(help: "The VM: a name, or the path of a params file.", completion: .vm)
    var vm: String

    @Argument(help: "The ISO.", completion: .file(extensions: ["iso"]))
    var iso: String

    @OptionGroup var tray: TrayOptions
    @OptionGroup var how: ChangeFlags

    func run() throws {
        try how.change(vm, patience: tray.wait) { vm, request in
            try vm.insert(absolutePath(iso), drive: tray.drive, force: tray.force, request)
        }
    }
}

/// `kvmctl cdrom eject`.
struct CDROMEject: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eject",
        abstract: "Take the CD out of a VM's drive.",
        discussion: "The drive stays, empty. \(ChangeFlags.discussion)")

    @Argument(help: "The VM: a name, or the path of a params file.", completion: .vm)
    var vm: String

    @OptionGroup var tray: TrayOptions
    @OptionGroup var how: ChangeFlags

    func run() throws {
        try how.change(vm, patience: tray.wait) { vm, request in
            try vm.eject(drive: tray.drive, force: tray.force, request)
        }
    }
}

/// Which drive, and how it is opened.
struct TrayOptions: ParsableArguments {
    @Option(
        help: "The drive, such as CDROM1. Default: the only one.",
        transform: { word in try OptionValue.device(word, of: .cdrom) })
    var drive: KeyName?

    @Flag(help: "Open the tray although the guest has locked it, as a paper clip does.")
    var force = false

    @Option(
        help: "How long the guest may take to open a tray that it has locked. Default: 10s.",
        transform: OptionValue.duration)
    var wait = Duration.seconds(10)
}
