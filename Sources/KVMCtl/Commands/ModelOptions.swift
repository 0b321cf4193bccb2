import ArgumentParser
import VMCore
import VMHost
import VMLife

/// What the VM of a run, or of a warm image, is made from.
struct ModelOptions: ParsableArguments {
    @Argument(help: "The VM, or the params file, that it is made from.", completion: .vm)
    var vm: String?

    @Option(help: "Instead of a VM: a kernel, booted on a machine without disks.", completion: .file())
    var kernel: String?

    @Option(help: "Its initial RAM disk.", completion: .file())
    var initrd: String?

    @Option(help: "Its command line.")
    var append: String?

    @Option(
        help: "Instead of a VM: a disk image, which is a file, or a name that `kvmctl image list` knows.",
        completion: .file())
    var image: String?

    @Option(help: "Its memory, such as 2G.")
    var memory: String?

    @Option(help: "Its number of processors.")
    var cpus: String?

    @Option(
        help: .init(
            "A key of vm.params with the value that it has in this run; may be repeated.", valueName: "KEY=VALUE"),
        completion: .keys)
    var set: [String] = []

    /// Refuses a command line that does not say one model.
    ///
    /// - Parameter verb: what is done with it, in one word.
    func refuseUnclear(_ verb: String) throws {
        guard [vm, kernel, image].compactMap(\.self).count == 1 else {
            throw ValidationError("\(verb) what? Give exactly one of VM, --kernel and --image")
        }
        if kernel == nil, initrd != nil || append != nil {
            throw ValidationError("--initrd and --append go with --kernel")
        }
    }

    /// The model, for people.
    var title: String { vm ?? kernel ?? image ?? "" }

    /// The model.
    var model: EphemeralModel {
        get throws {
            let own = [("MEMORY", memory), ("CPUS", cpus)].filter { $0.1 != nil }
            let settings = try set.map { word in
                let edit = try ParamsEdit(word)
                return ("\(edit.key)", edit.value)
            }
            return try EphemeralModel(source, with: own + settings, by: options)
        }
    }

    /// By which option a key is set, if not by `--set`.
    private var options: [KeyName: String] {
        var options: [KeyName: String] = [:]
        if memory != nil { options[KeyName(.memory)] = "--memory" }
        if cpus != nil { options[KeyName(.cpus)] = "--cpus" }
        return options
    }

    private var source: EphemeralModel.Source {
        if let kernel {
            return .kernel(absolutePath(kernel), initrd: initrd.map(absolutePath), commandLine: append)
        }
        return image.map { .image($0) } ?? .vm(vm ?? "")
    }
}
