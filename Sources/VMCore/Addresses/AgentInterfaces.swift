import BridgeNet

/// What the guest agent's `guest-network-get-interfaces` returns (QEMU, qga/qapi-schema.json). The guest controls it,
/// so only what parses as an address of one of the VM's NICs is used, and none of its text.
package enum AgentInterfaces {
    /// The addresses on interfaces with a NIC's MAC, by the NIC's number. Others, such as a container's bridge in the
    /// guest, can't be reached from outside.
    package static func addresses(in answer: JSON, nics: [Int: MACAddress]) -> [(nic: Int, address: IPAddress)] {
        (answer.array ?? []).flatMap { interface -> [(nic: Int, address: IPAddress)] in
            guard let mac = interface["hardware-address"]?.string.flatMap({ MACAddress($0) }),
                let nic = nics.filter({ $0.value == mac }).keys.min()
            else { return [] }
            let addresses = interface["ip-addresses"]?.array ?? []
            return addresses.compactMap { $0["ip-address"]?.string.flatMap { IPAddress($0) } }
                .map { (nic: nic, address: $0) }
        }
    }
}
