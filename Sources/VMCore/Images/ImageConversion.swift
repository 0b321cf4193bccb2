import SystemPackage

/// How to convert an image in a format that kvmctl does not open into one that it does.
struct ImageConversion {
    private let old: FilePath
    private let format: String

    /// - Parameter format: QEMU's name for the format that it has now.
    package init(of image: FilePath, from format: String) {
        old = image
        self.format = format
    }

    /// The new image, next to the old one.
    private var new: FilePath {
        let stem = old.lastComponent?.stem ?? "disk"
        let more = old.extension == "qcow2" ? "-converted" : ""
        return old.removingLastComponent().appending("\(stem)\(more).qcow2")
    }

    /// The command line. qemu-img itself would overwrite an existing image.
    private var command: ShellCommand {
        ("test -e \(new)" as ShellCommand).otherwise("qemu-img convert -f \(format) -O qcow2 \(old) \(new)")
    }

    /// What to do, including the change to the params file, for the line that sets the format: whoever wrote that knows
    /// the image.
    func hint(_ index: Int) -> Hint {
        "Convert it: \("\(command: command)"), and write \(disk(index)) and \(line: format(index))"
    }

    private func disk(_ index: Int) -> ParamsLine { ParamsLine("DISK\(index)", new.string) }
    private func format(_ index: Int) -> ParamsLine { ParamsLine("DISK\(index)_FORMAT", "qcow2") }
}
