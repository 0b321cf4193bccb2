import BridgeNet

/// What is known about a guest's addresses and from which sources, and what is not known and why.
package struct AddressReport: Sendable {
    /// What a source said, whether it knew an address or not.
    package struct Answer: Equatable, Sendable {
        /// Who was asked; what was heard on a NIC is in `NIC`.
        package enum Source: String, Sendable, CaseIterable {
            case agent = "guest agent"
            case neighbours = "neighbour table"
        }

        /// Who was asked.
        package var source: Source
        /// What it said, in words.
        package var text: String

        package init(source: Source, text: String) {
            self.source = source
            self.text = text
        }
    }

    /// A NIC of the VM.
    package struct NIC: Equatable, Sendable {
        /// The n of `NETn`.
        package var index: Int
        /// As in vm.params: `bridge:br0`, `user`.
        package var network: String
        /// Its address on the wire.
        package var mac: MACAddress
        /// The host's end of it, if that is an interface.
        package var tap: String?
        /// Why it has no address that works beyond its link, as far as can be told from outside; or why the host can't
        /// reach it, or who else has its address; else nil.
        package var story: String?
        /// The cause of that as a case, where it is one of these. With `addressTaken` it may have an address all the same.
        package var silence: Silence?

        /// Why a NIC has no address.
        package enum Silence: Sendable {
            /// The guest asks by DHCP, and nothing answers.
            case noDHCP
            /// It asks in another VLAN than the one where it could be answered.
            case wrongVLAN
            /// Somebody else has the address that it was given, or uses.
            case addressTaken
            /// It has not sent a packet.
            case noPackets
        }

        package init(index: Int, network: String, mac: MACAddress, tap: String? = nil, story: String? = nil) {
            self.index = index
            self.network = network
            self.mac = mac
            self.tap = tap
            self.story = story
        }
    }

    /// The VM.
    package var vm: VMName
    /// What was asked for.
    package var wish: AddressFilter
    /// What the VM is doing.
    package var state: VMState
    /// All known addresses, the best first.
    package var all: [GuestAddress]
    /// The NICs that were looked at.
    package var nics: [NIC]
    /// What the sources said.
    package var answers: [Answer]
    /// Whether the guest was listened to.
    package var canHear: Bool
    /// The host ports that are forwarded to the guest.
    package var forwards: [PortForward]

    package init(
        vm: VMName, wish: AddressFilter, state: VMState, all: [GuestAddress], nics: [NIC], answers: [Answer],
        canHear: Bool, forwards: [PortForward]
    ) {
        self.vm = vm
        self.wish = wish
        self.state = state
        self.all = all
        self.nics = nics
        self.answers = answers
        self.canHear = canHear
        self.forwards = forwards
    }

    /// The addresses that were asked for, the best first.
    package var addresses: [GuestAddress] { all.filter(wish.admits) }
}
