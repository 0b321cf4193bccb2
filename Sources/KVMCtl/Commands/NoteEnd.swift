import ArgumentParser
import Glibc
import VMCore
import VMLife

/// `kvmctl note-end`, for the unit kvmctl@.service, which saw how QEMU ended (systemd.exec(5), EXIT_CODE).
struct NoteEnd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "note-end", _superCommandName: Root.name,
        abstract: "Record how a VM's QEMU ended, if it crashed.", shouldDisplay: false)

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @OptionGroup var quiet: QuietOption

    func run() throws {
        let machine = try Site.current.find(vm)
        try machine.forgetUsedState()
        func told(_ key: String) -> String { getenv(key).map { String(cString: $0) } ?? "" }
        guard let end = QEMUEnd(serviceExit: told("EXIT_CODE"), status: told("EXIT_STATUS")) else { return }
        try machine.keepCrash(end)
    }
}
