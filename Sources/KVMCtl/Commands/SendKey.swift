import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl sendkey`.
struct SendKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sendkey", _superCommandName: Root.name,
        abstract: "Press keys on a VM's keyboard.",
        discussion: """
            Keys have QEMU's names: ctrl-alt-delete, alt-f2, ret, esc, pgup. Several are pressed one after the other, \
            and then --text is typed, as on a keyboard with the US layout: `kvmctl sendkey web ctrl-alt-f2 --text \
            'root\\n'`. In it \\n is Enter, \\t Tab, \\e Esc, \\b Backspace and \\\\ a backslash. All is checked before \
            the first key is pressed. Nothing tells whether the guest has seen the keys.
            """)

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @Argument(help: "Keys that are held down together, with - between them.", transform: OptionValue.chord)
    var keys: [KeyChord] = []

    @Option(help: "Text to type after the keys.", transform: TypedText.init)
    var text: TypedText?

    @Option(
        help: "How many milliseconds each key is held down. Default: 50.", transform: OptionValue.hold)
    var hold = Duration.milliseconds(50)

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if keys.isEmpty, text == nil { throw ValidationError("name keys, such as ctrl-alt-delete, or use --text") }
    }

    func run() throws {
        let machine = try Site.current.find(vm)
        try machine.refuseAnothers()
        if dryRun.isOn {
            try machine.refuseDeafKeyboard()
        } else {
            try machine.press(keys + (text?.chords ?? []), holding: hold)
        }
        output.print(SendKeyReport(machine.name, keys, typed: text?.chords.count ?? 0, dryRun: dryRun.isOn))
    }
}
