import ArgumentParser
import VMCore
import VMLife

/// `kvmctl vnc`.
struct VNC: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vnc", _superCommandName: Root.name,
        abstract: "Show how to reach a VM's screen and keyboard: the address, the password, a tunnel to it.",
        discussion: """
            With VNCDISP=auto each start makes a new password, which only the VM's owner can see here. For scripts: \
            `VNC_PASSWORD=$(kvmctl vnc --password web) vncviewer :0`, or `vncsnapshot -passwd <(kvmctl vnc --password \
            web | vncpasswd -f) :0 web.jpg`.
            """)

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @Flag(help: "Print only the password.")
    var password = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if password, output.json { throw ValidationError("--password and --json exclude each other") }
    }

    func run() throws {
        let machine = try Site.current.find(vm)
        try machine.refuseAnothers()
        let access = try machine.screen()
        if output.json {
            output.print(access.json(of: machine.name))
        } else if password {
            guard let password = access.password else {
                throw VMError(
                    .unavailable, machine.name.description, "its VNC server asks for no password",
                    remedy: "VNCDISP=auto makes one at each start; VNCPASSWORD_FILE names one")
            }
            print(password)
        } else {
            print(access.text)
        }
    }
}

extension ScreenAccess {
    fileprivate var text: String {
        """
        address     \(address.contains(":") ? "[\(address)]" : address):\(port), display :\(display)
        password    \(password ?? "none: \(VMParams.VNC.unprotected)")
        tunnel      \(tunnel)
        """
    }

    /// As JSON (docs/json.md, schema kvmctl.vnc/1).
    fileprivate func json(of name: VMName) -> JSON {
        [
            "schema": "kvmctl.vnc/1", "name": .string(name.description), "address": .string(address),
            "port": .integer(Int64(port)), "display": .integer(Int64(display)), "password": .optional(password),
            "tunnel": .string(tunnel.description),
        ]
    }
}
