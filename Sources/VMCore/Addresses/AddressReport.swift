public import BridgeNet

/// What is known of a guest's addresses, by whom, and what is not, and why.
public struct AddressReport: Sendable {
    /// What a source said, whether it knew an address or not.
    public struct Answer: Equatable, Sendable {
        /// Whom was asked; what was heard on a NIC is in `NIC`.
        public enum Source: String, Sendable, CaseIterable {
            case agent = "guest agent"
            case neighbours = "neighbour table"
        }

        /// Who was asked.
        public var source: Source
        /// What it said, in words.
        public var text: String
    }

    /// A NIC of the VM.
    public struct NIC: Equatable, Sendable {
        /// The n of `NETn`.
        public var index: Int
        /// As in vm.params: `bridge:br0`, `user`.
        public var network: String
        /// Its address on the wire.
        public var mac: MACAddress
        /// The host's end of it, where that is an interface.
        public var tap: String?
        /// Why it has no address that works beyond its link, as far as can be told from outside; or why the host can't
        /// reach it; else nil.
        public var story: String?
    }

    /// The VM.
    public var vm: VMName
    /// What was asked for.
    public var wish: AddressWish
    /// What the VM is doing.
    public var state: VMState
    /// All that are known, the best first.
    public var all: [GuestAddress]
    /// The NICs that were looked at.
    public var nics: [NIC]
    /// What was asked, and what it said.
    public var answers: [Answer]
    /// Whether the guest was listened to.
    public var canHear: Bool
    /// The host's ports that lead to the guest.
    public var forwards: [PortForward]

    /// The addresses that were asked for, the best first.
    public var addresses: [GuestAddress] { all.filter(wish.admits) }
}
