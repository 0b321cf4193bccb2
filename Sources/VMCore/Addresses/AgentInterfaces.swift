import BridgeNet

/// A network interface as the guest agent reports it (QEMU, qga/qapi-schema.json, GuestNetworkInterface). The guest controls
/// it, so only what parses as an address is kept, and none of its text.
package struct AgentInterface: Equatable, Sendable {
    /// Its MAC; nil if it has none.
    package let mac: MACAddress?
    /// Its IP addresses.
    package let addresses: [IPAddress]

    init(_ json: JSON) {
        mac = json["hardware-address"]?.string.flatMap { MACAddress($0) }
        addresses = (json["ip-addresses"]?.array ?? []).compactMap { address in
            address["ip-address"]?.string.flatMap { IPAddress($0) }
        }
    }
}

extension [AgentInterface] {
    /// The addresses on interfaces with a NIC's MAC, by the NIC's number. Others, such as a container's bridge in the
    /// guest, can't be reached from outside.
    package func addresses(onNICs nics: [Int: MACAddress]) -> [(nic: Int, address: IPAddress)] {
        flatMap { interface -> [(nic: Int, address: IPAddress)] in
            guard let mac = interface.mac, let nic = nics.filter({ $0.value == mac }).keys.min() else { return [] }
            return interface.addresses.map { (nic: nic, address: $0) }
        }
    }
}
