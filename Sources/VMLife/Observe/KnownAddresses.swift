import BridgeKernel
import BridgeNet
import VMCore
import VMHost

extension VMEntry {
    /// Fills in the addresses of guests that run, as far as this host remembers them: from kvmctl's own DHCP server and the
    /// neighbour table. No guest is asked, so this takes no longer for a guest that does not answer.
    ///
    /// - Throws: why the neighbour table can't be read.
    static func learnAddresses(of entries: inout [VMEntry]) throws(VMError) {
        let running = entries.indices.filter { entries[$0].state.isAlive && entries[$0].hasNeighbours }
        guard !running.isEmpty else { return }
        let table = try Bridges.routing { (socket) throws(NetworkError) in try socket.neighbours() }
        let seen = Dictionary(grouping: table.filter(\.isKnown), by: \.mac)
        for index in running {
            let nics = entries[index].vm?.nics ?? []
            var book = AddressBook()
            for nic in nics where nic.network != .user {
                if let address = nic.address.flatMap({ IPAddress($0) }) {
                    book.add(address, of: nic.index, from: .lease)
                }
                guard let mac = nic.mac else { continue }
                for entry in seen[mac] ?? [] { book.add(entry.address, of: nic.index, from: .neighbour) }
            }
            entries[index].addresses = book.addresses { number in
                nics.first { $0.index == number }.flatMap { nic in
                    if case .bridge(let bridge) = nic.network { bridge.description } else { nil }
                }
            }
        }
    }

    /// Whether this host could have talked to it by Ethernet: not over QEMU's own network.
    private var hasNeighbours: Bool { vm?.nics.contains { $0.network != .user } ?? false }
}
