import ArgumentParser
import BridgeNet
import VMCore
import VMLife

/// `kvmctl nic`.
struct NIC: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nic", _superCommandName: Root.name,
        abstract: "Attach and detach a VM's network cards.",
        subcommands: [NICAttach.self, NICDetach.self])
}

/// `kvmctl nic attach`.
struct NICAttach: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Attach a network card to a VM, as the first NETn that is free.",
        discussion: ChangeFlags.discussion)

    @Argument(help: "The VM: a name, or the path of a params file.", completion: .vm)
    var vm: String

    @Argument(
        help: "What it is connected to: bridge:NAME, nat, isolated:NAME, macvtap:DEVICE or user.",
        transform: OptionValue.connected)
    var network: Network

    @Option(help: "Its MAC. Default: derived from the VM's UUID.", transform: OptionValue.mac)
    var mac: MACAddress?

    @Option(help: "The VLANs that it carries, as NETn_VLAN says it.", transform: OptionValue.vlans)
    var vlan: PortVLANs?

    @Option(help: "Which card it is: virtio or e1000e. Default: virtio.")
    var model: NICModel?

    @OptionGroup var how: ChangeFlags

    func run() throws {
        let card = NewNIC(network: network, mac: mac, vlans: vlan?.description, model: model)
        try how.change(vm) { vm, request in try vm.attach(card, request) }
    }
}

/// `kvmctl nic detach`.
struct NICDetach: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Detach a network card from a VM.",
        discussion: """
            The guest of a running VM is asked to let go of it, and never forced to. \(ChangeFlags.discussion)
            """)

    @Argument(help: "The VM: a name, or the path of a params file.", completion: .vm)
    var vm: String

    @Argument(
        help: "The card, as vm.params calls it: NET1.", transform: { try OptionValue.device($0, of: .net) })
    var nic: KeyName

    @OptionGroup var patience: GuestPatience
    @OptionGroup var how: ChangeFlags

    func run() throws {
        try how.change(vm, patience: patience.wait) { vm, request in try vm.detach(nic, request) }
    }
}

extension NICModel: ExpressibleByArgument {}
