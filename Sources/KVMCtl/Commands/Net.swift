import ArgumentParser

/// `kvmctl net`.
struct Net: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "net", _superCommandName: Root.name,
        abstract: "Create, remove and show the host's bridges, and connect them to networks.",
        subcommands: [
            NetUp.self, NetConfirm.self, NetDown.self, NetShow.self, NetPersist.self, NetUnpersist.self, NetGuard.self,
        ])
}
