import SystemPackage
import VMCore
import VMHost

extension Site {
    /// What a run with `--keep-on-failure` left and that has ended by itself, while its logs are kept; nil: no run left a VM of
    /// this name.
    package func leftByRun(_ word: String) throws(VMError) -> Machine? {
        guard let name = VMName(word), try EphemeralMark.isKept(name, in: paths) else { return nil }
        let vm = Machine(name: name, file: "", site: self)
        guard try !vm.observe().isAlive else { return nil }
        return vm.at(try vm.manifest()?.file ?? "")
    }
}

extension Machine {
    /// What whoever looks at such a VM should know.
    package var remainsOfRun: String {
        "\(name): a run with --keep-on-failure left this VM, and it has ended; its logs are kept for a day"
    }
}
