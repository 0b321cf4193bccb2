import ArgumentParser
import CLinux
import VMCore

/// The program: one binary, two names.
@main
enum KVMCtl {
    static func main() {
        _ = clinux_fill_standard_descriptors()
        var arguments = CommandLine.arguments
        let name = arguments.isEmpty ? "kvmctl" : arguments.removeFirst()
        if name.split(separator: "/").last == "start_a_kvm.sh" {
            ExitStatus.leave {
                if ["-h", "--help"].contains(arguments.first) { return print(StartAKVM.usage) }
                try StartAKVM(arguments).run()
            }
        }
        ExitStatus.leave {
            var command = try Root.parseAsRoot(arguments)
            try command.run()
        }
    }
}

/// `kvmctl`.
struct Root: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kvmctl",
        abstract: "Run KVM virtual machines from plain text files.",
        discussion: """
            A VM is one directory, one text file (vm.params) and one QEMU process. VM is a path if it contains a `/` \
            (to a params file, or to a directory that holds vm.params), else the name of a running VM or of one under \
            /vms (KVMCTL_VMS).
            """,
        version: "kvmctl \(Version.current)",
        // Each says its commandName: to make it from the type's name took ArgumentParser half of a command's start-up.
        groupedSubcommands: [
            CommandGroup(name: "Run:", subcommands: [Start.self, Stop.self]),
            CommandGroup(name: "Look:", subcommands: [List.self, Show.self, Logs.self, Console.self]),
            CommandGroup(name: "Define:", subcommands: [Create.self, Check.self, Explain.self, Remove.self]),
            CommandGroup(name: "Host:", subcommands: [Net.self]),
        ])
}

/// kvmctl's version.
enum Version {
    static let current = "0.1.0"
}
