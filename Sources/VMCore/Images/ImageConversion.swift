import SystemPackage

/// How an image in a format that kvmctl does not open becomes one that it does.
struct ImageConversion {
    private let old: FilePath
    private let format: String

    /// - Parameter format: QEMU's name for the format that it has now.
    package init(of image: FilePath, from format: String) {
        old = image
        self.format = format
    }

    /// What it becomes, beside the old one.
    private var new: FilePath {
        let stem = old.lastComponent?.stem ?? "disk"
        let more = old.extension == "qcow2" ? "-converted" : ""
        return old.removingLastComponent().appending("\(stem)\(more).qcow2")
    }

    /// The command line. qemu-img would write over an image that is there.
    private var command: ShellCommand {
        ("test -e \(new)" as ShellCommand).otherwise("qemu-img convert -f \(format) -O qcow2 \(old) \(new)")
    }

    /// What to do, to the file of the VM too.
    func advice(_ index: Int) -> String {
        "convert it: \(command: command), and write \(disk(index)) and \(format(index))"
    }

    /// The same of a line that says the format.
    func hint(_ index: Int) -> Hint {
        "Convert it: \("\(command: command)"), and write \(disk(index)) and \(line: format(index))"
    }

    private func disk(_ index: Int) -> ParamsLine { ParamsLine("DISK\(index)", new.string) }
    private func format(_ index: Int) -> ParamsLine { ParamsLine("DISK\(index)_FORMAT", "qcow2") }
}
