import BridgeNet

/// Which of a guest's addresses are asked for.
package struct AddressFilter: Equatable, Sendable {
    /// Only this family; nil: both.
    package var family: IPAddress.Family?
    /// Only of the NIC `NETn`; nil: of all.
    package var nic: Int?
    /// Link-local ones too, which work only on the link itself.
    package var linkLocal: Bool

    /// See the properties.
    package init(family: IPAddress.Family? = nil, nic: Int? = nil, linkLocal: Bool = false) {
        self.family = family
        self.nic = nic
        self.linkLocal = linkLocal
    }

    /// Whether one of them is among these and confirmed. If the guest can't be heard, a remembered one is enough.
    package func isSatisfied(by addresses: [GuestAddress], canHear: Bool) -> Bool {
        addresses.contains { admits($0) && ($0.isConfirmed || !canHear) }
    }

    /// Whether the address is one of them.
    package func admits(_ address: GuestAddress) -> Bool {
        (family.map { $0 == address.address.family } ?? true) && (nic.map { $0 == address.nic } ?? true)
            && (linkLocal || !address.address.isLinkLocal)
    }
}
