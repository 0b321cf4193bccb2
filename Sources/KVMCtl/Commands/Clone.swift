import ArgumentParser
import VMCore
import VMHost
import VMLife

/// `kvmctl clone`.
struct Clone: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone", _superCommandName: Root.name,
        abstract: "Copy a VM that does not run, with its disks.",
        discussion: """
            The new VM is where `kvmctl create NEW` would make it. Its vm.params is a copy of the VM's, with a name, UUID \
            and MACs of its own; PROTECT and AUTOSTART, forwards and names of taps are left out. Its cloud-init takes it \
            for a new machine.

            Each disk that the VM writes to is copied as it is into the new VM's directory: holes stay holes, an overlay \
            stays an overlay of the same image, and where the file system can (btrfs, XFS), the two share what they \
            have. What the VM only reads stays where it is, for both. Until the copies are made, the VM can't be \
            started. Of a suspended VM the memory is not copied: the copy boots as after a power cut.

            With --linked the disks are overlays of the VM's, which has to be a template (TEMPLATE=yes).

            `kvmctl clone web --count 3 web-%d` makes three, all or none.
            """)

    @Argument(help: "The VM: a name, or the path of its params file.", completion: .vm)
    var vm: String

    @Argument(
        help: ArgumentHelp(
            "The new VM's name; or a path, with a `/`, to the directory that will hold it. With --count a pattern: lab-%02d.",
            valueName: "new"),
        completion: .directory)
    var place: String

    @Flag(help: "Make overlays of the disks of a template, instead of copies.")
    var linked = false

    @OptionGroup var options: NewVMOptions
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try options.validate(place)
        if options.count != nil { try options.refuseForSeveral(by: "--count") }
    }

    func run() throws {
        let new = NewVMs(
            output: output, isDryRun: dryRun.isOn, isSeveral: options.count != nil, areStarted: options.start)
        if options.start { try options.vm.refuseStartOfTemplate() }
        let places = try options.places(place)
        try new.make { context in
            let model = try context.modelOfClone(vm, isLinked: linked, isDryRun: dryRun.isOn)
            model.notices.forEach { Message.note($0) }
            return try CreatingSeveral(places) { number throws(VMError) in
                try Creating(
                    options.vm, at: try context.site.place(forNew: places[number], in: context), like: model,
                    in: context)
            }
        }
    }
}
