import ArgumentParser
import SystemPackage
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl image`.
struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", _superCommandName: Root.name,
        abstract: "Import, list, verify and remove the images that new VMs are made of.",
        subcommands: [ImageImportCommand.self, ImageList.self, ImageVerify.self, ImageRemove.self])
}

/// `kvmctl image import`.
struct ImageImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take an image into the directory of images, under a name.",
        discussion: """
            The file is qcow2 or raw, also packed as .gz, .xz or .zst, and is unpacked. It is copied to the first \
            directory of KVMCTL_IMAGES that you may write to (/var/lib/kvmctl/images for root, \
            ~/.local/share/kvmctl/images for others), read-only, with its SHA-256 sum beside it.
            """)

    @Argument(help: "The image.", completion: .file())
    var file: String

    @Option(
        help: "What it is called. Default: the file's name, without .qcow2 and the like.", transform: OptionValue.image)
    var name: ImageName?

    @Option(
        name: .customLong("sha256"),
        help: "The SHA-256 sum that the file, as it is, has to have; else it is not imported.",
        transform: OptionValue.sum)
    var sum: ImageSum?

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if file.isEmpty { throw ValidationError("the name of the image is empty") }
        if file.contains("://") {
            throw ValidationError("\(file) is not a file: nothing is fetched from a network; download it first")
        }
    }

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust())
        let importing = try ImageImport(
            absolutePath(file), name: name, expecting: sum, into: ImageLibrary(context))
        let found = dryRun.isOn ? nil : try importing.run()
        output.print(ImageReport(importing, sum: found))
    }
}

/// `kvmctl image list`.
struct ImageList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the images that have names, and the VMs that use them.",
        aliases: ["ls"])

    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        var unseen: [VMError] = []
        let images = try ImageLibrary(PlanningContext(site, trust: try site.trust())).all { unseen.append($0) }
        output.print(ImageListReport(images))
        unseen.forEach(Message.error)
        if let failed = SomeFailed(unseen) { throw failed }
    }
}

/// `kvmctl image verify`.
struct ImageVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare images with the sums that were written down when they were imported.")

    @Argument(help: "The images: names, or paths.")
    var images: [String] = []

    @Flag(help: "All images that have names.")
    var all = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if all != images.isEmpty { throw ValidationError(all ? "--all takes no names" : "name an image, or use --all") }
    }

    func run() throws {
        let site = try Site.current
        let library = ImageLibrary(PlanningContext(site, trust: try site.trust()))
        try output.list(.image) { results in
            var errors: [VMError] = []
            let words = all ? try library.all { errors.append($0) }.map(\.path.string) : images
            errors.forEach(Message.error)
            for (number, word) in words.enumerated() {
                results.turn(to: number)
                do throws(VMError) {
                    let image = try library.find(word)
                    try library.verify(image)
                    output.print(ImageReport(verified: image), among: results)
                } catch {
                    results.fail(word, error)
                    if words.count == 1 { throw error }
                    Message.error(error)
                    errors.append(error)
                }
            }
            if !errors.isEmpty { throw SomeFailed(.partial) }
        }
    }
}

/// `kvmctl image rm`.
struct ImageRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove images that no VM uses.")

    @Argument(help: "The images: names, or paths.")
    var images: [String]

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        let library = ImageLibrary(PlanningContext(site, trust: try site.trust()))
        try output.list(.image) { results in
            var failed = false
            for (number, word) in images.enumerated() {
                results.turn(to: number)
                do throws(VMError) {
                    let image = try library.find(word)
                    let removal = try ImageRemoval(image, from: library)
                    if !dryRun.isOn { try removal.remove() }
                    output.print(ImageReport(removed: image, isDryRun: dryRun.isOn), among: results)
                } catch {
                    results.fail(word, error)
                    if images.count == 1 { throw error }
                    Message.error(error)
                    failed = true
                }
            }
            if failed { throw SomeFailed(.partial) }
        }
    }
}
