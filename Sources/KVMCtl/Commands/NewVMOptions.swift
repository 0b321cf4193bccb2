import ArgumentParser
import BridgeNet
import VMCore

/// What `create` and `clone` have to say of new VMs, whatever these are made of.
struct NewVMOptions: ParsableArguments {
    private static let defaults = NewVM.Defaults(isRoot: true)

    @Option(help: "Make that many VMs, numbered from 1: %d in the name is the number, %02d has two digits.")
    var count: Int?

    @Flag(help: "Then start what was made.")
    var start = false

    @Option(
        help: "Memory; a bare number is MiB. Default: that of the model, else \(defaults.memory.parameter).",
        transform: OptionValue.memory)
    var memory: ByteCount?

    @Option(
        help: "Virtual processors. Default: as many as the model has, else \(defaults.cpus).",
        transform: OptionValue.cpus)
    var cpus: Int?

    @Option(help: "The MAC of the first network card. Default: derived from the UUID.", transform: OptionValue.mac)
    var mac: MACAddress?

    @Option(help: "The VM's name; default: the directory's.", transform: OptionValue.name)
    var name: VMName?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Any key of vm.params; may be repeated.", valueName: "KEY=VALUE"), completion: .keys)
    var settings: [String] = []

    /// Refuses a word that does not say which VMs are meant.
    func validate(_ place: String?) throws {
        if count == nil, let place, !place.contains("/"), (try? NamePattern(place)) != nil {
            throw ValidationError(
                "\(Printable.quoted(place)) is not a valid VM name; as a pattern of names it goes with --count")
        }
        if place?.isEmpty == true { throw ValidationError("the name is empty") }
        if let count, !(1...NamePattern.most).contains(count) {
            throw ValidationError("--count is 1 to \(NamePattern.most)")
        }
    }

    /// Refuses options that are one VM's, where there are several.
    ///
    /// - Parameters:
    ///   - further: more of them, and whether they are given.
    ///   - makers: the options that make several.
    func refuseForSeveral(_ further: [(String, Bool)] = [], by makers: String) throws {
        for (option, isGiven) in [("--name", name != nil), ("--mac", mac != nil)] + further where isGiven {
            throw ValidationError("\(option) is that of one VM, and excludes \(makers)")
        }
    }

    /// The VMs' names, or where they are to be.
    func places(_ place: String) throws(VMError) -> [String] {
        guard let count else { return [place] }
        return try NamePattern(place).names(count)
    }

    /// What is said of each VM.
    var vm: NewVM {
        var vm = NewVM()
        (vm.name, vm.memory, vm.cpus, vm.mac, vm.settings) = (name, memory, cpus, mac, settings)
        return vm
    }
}
