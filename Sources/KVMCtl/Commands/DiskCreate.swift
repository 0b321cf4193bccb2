import ArgumentParser
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl disk create`.
struct DiskCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create an image for a disk.",
        discussion: """
            Nothing is overwritten. The image takes no space until something is written to it, unless --preallocate is \
            given. `kvmctl disk attach VM FILE` gives it to a VM, and `kvmctl set` one that stands on another image, with \
            DISKn_FORMAT=qcow2 and DISKn_BACKING.
            """)

    @Argument(help: "The new image.", completion: .file())
    var file: String

    @Option(help: "Its size, such as 20G. Default: that of --backing.", transform: OptionValue.diskSize)
    var size: ByteCount?

    @Option(help: "Its format: raw or qcow2. Default: raw, or qcow2 with --backing.")
    var format: DiskFormat?

    @Option(
        help: """
            An image that it stands on: only what differs from that is in the new one. Nothing may write to it any \
            more. If that stands on another one, name it too, with a second --backing.
            """, completion: .file())
    var backing: [String] = []

    @Flag(help: "Take all its space at once, so that no guest finds the host full.")
    var preallocate = false

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if file.isEmpty || backing.contains("") { throw ValidationError("the name of an image is empty") }
        guard !backing.isEmpty else { return }
        if format == .raw { throw ValidationError("a raw image can't stand on another one: write --format qcow2") }
        if preallocate { throw ValidationError("what stands on another image can't be preallocated") }
    }

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust())
        let creation = try DiskCreation(
            .init(
                path: absolutePath(file), size: size, format: format, backing: backing.map { absolutePath($0) },
                isPreallocated: preallocate), in: context)
        if !dryRun.isOn { try creation.run() }
        let disk = creation.disk
        output.print(
            DiskCreateReport(
                disk.path, disk.format, size: disk.size, backing: creation.backing, isPreallocated: preallocate,
                dryRun: dryRun.isOn))
        creation.notices.forEach(Message.note)
    }
}
