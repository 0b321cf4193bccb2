import ArgumentParser
import Glibc
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl screenshot`.
struct Screenshot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "screenshot", _superCommandName: Root.name,
        abstract: "Take a picture of a VM's screen, or read the text on it.",
        discussion: """
            The picture is a PNG, or a PPM if the file's name ends in .ppm. A file that is there is replaced. --text \
            reads a screen in text mode, such as the firmware's, a boot menu's or a kernel panic's; characters beyond \
            ASCII are those of code page 437.
            """)

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @Argument(help: "The file; `-` for stdout.", completion: .file(extensions: ["png", "ppm"]))
    var file: String?

    @Flag(help: "Print what the screen shows in text mode.")
    var text = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if text, file != nil { throw ValidationError("--text prints to stdout, and takes no file") }
        if !text, file == nil {
            throw ValidationError("name a file, such as \(vm).png, or - for stdout; or use --text")
        }
        if file == "-", output.json { throw ValidationError("--json and a picture on stdout exclude each other") }
    }

    func run() throws {
        let site = try Site.current
        let machine = try site.find(vm)
        try machine.refuseAnothers()
        guard let file else { return output.print(ScreenTextReport(machine.name, try machine.screenText().lines)) }
        let format: PictureFormat = file.lowercased().hasSuffix(".ppm") ? .ppm : .png
        guard file != "-" else { return try printPicture(of: machine, as: format) }
        let path = absolutePath(file)
        let place = try ReplacedFile.at(path, site.trust())
        let picture = try machine.screenshot(as: format)
        try place.write(picture)
        output.print(ScreenshotReport(machine.name, file: path, format: format, size: picture.count))
    }

    private func printPicture(of machine: Machine, as format: PictureFormat) throws {
        guard isatty(STDOUT_FILENO) == 0 else {
            throw VMError(
                .usage, "stdout", "is a terminal, which shows no pictures",
                remedy: "name a file, or send the output to one")
        }
        _ = try ResultStream.write(try machine.screenshot(as: format))
    }
}
