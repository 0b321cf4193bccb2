import ArgumentParser
import SystemPackage
import VMCore

/// `kvmctl rm`.
struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", _superCommandName: Root.name,
        abstract: "Remove VMs that don't run: the params file and the logs; the disks only if asked."
    )

    @OptionGroup var targets: Targets

    @Flag(help: "Remove the disks too, as far as they are in the VM's own directory and no other VM uses them.")
    var disks = false

    @OptionGroup var trust: TrustOption
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        var results: [JSON] = []
        defer { if output.json { output.print(list: results) } }
        try targets.forEach { vm in
            try Places.inventory().refuseAnothers(vm)
            let removing = try Removing(vm, disks: disks, paths: try Places.current(), trust: try trust.trust())
            if !dryRun.isOn { try removing.remove() }
            let gone = removing.files + [removing.logs].compactMap(\.self)
            results.append([
                "schema": "kvmctl.rm/1", "dryRun": .bool(dryRun.isOn), "name": .string(vm.name.description),
                "removed": .array(gone.map { .string($0.string) }),
                "kept": .array(removing.kept.map { .string($0.path.string) }),
            ])
            guard !output.json else { return }
            for file in gone { print("\(vm.name): \(dryRun.isOn ? "would remove" : "removed") \(file)") }
            for disk in removing.kept { print("\(vm.name): kept \(disk.path): \(disk.why)") }
        }
    }
}
