import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl vnc`.
struct VNC: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vnc", _superCommandName: Root.name,
        abstract: "Show how to reach a VM's screen and keyboard: the address, the password, a tunnel; or open it.",
        discussion: """
            With VNCDISP=auto each start makes a new password, which only the VM's owner can see here. For scripts: \
            `VNC_PASSWORD=$(kvmctl vnc --password web) vncviewer :0`, or `vncsnapshot -passwd <(kvmctl vnc --password \
            web | vncpasswd -f) :0 web.jpg`.
            """)

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @Flag(help: "Print only the password.")
    var password = false

    @Flag(help: "Turn into the viewer that this host has, such as remote-viewer or vncviewer.")
    var open = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if open, password || output.json { throw ValidationError("--open excludes --password and --json") }
        if password, output.json { throw ValidationError("--password and --json exclude each other") }
    }

    func run() throws {
        let machine = try Site.current.find(vm)
        try machine.refuseAnothers()
        let access = try machine.screen()
        guard password else {
            // Before a viewer too: most of them ask for the password.
            output.print(
                VNCReport(
                    machine.name, address: access.address, port: access.port, display: access.display,
                    password: access.password, tunnel: access.tunnel))
            if open { try ViewerStart.open(access, of: machine.name) }
            return
        }
        guard let password = access.password else {
            throw VMError(
                .unavailable, machine.name.description, "its VNC server asks for no password",
                remedy: "VNCDISP=auto makes one at each start; VNCPASSWORD_FILE names one")
        }
        print(password)
    }
}
