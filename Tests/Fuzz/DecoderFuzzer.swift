import SystemPackage

@testable import BridgeKernel
@testable import BridgeNet

/// libFuzzer's entry point: whatever datagram the kernel's side of a route socket sends, every verb ends with a value
/// or an error. AddressSanitizer watches; a trap is a finding too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let datagram = [UInt8](UnsafeBufferPointer(start: bytes, count: count))
    checkMessages(datagram)
    checkAcknowledgement(datagram)
    checkVerbs(datagram)
    // A guest's bytes, which are decoded by the same means.
    _ = EthernetFrame(decoding: datagram)
    return 0
}

/// A decoded message encodes to the same bytes again.
private func checkMessages(_ datagram: [UInt8]) {
    guard let messages = try? NetlinkMessage.decode(datagram) else { return }
    for message in messages {
        precondition((try? NetlinkMessage.decode(message.encoded)) == [message])
    }
}

/// The kernel's verdict on a request that only changes something.
private func checkAcknowledgement(_ datagram: [UInt8]) {
    ask(datagram) { socket in
        guard let name = InterfaceName("br0") else { return }
        try socket.perform(.delete(name))
    }
}

/// The verbs that decode something, each with the datagram as the answer to its first request.
private func checkVerbs(_ datagram: [UInt8]) {
    checkTables(datagram)
    ask(datagram) { socket in _ = try socket.links() }
    ask(datagram) { socket in _ = try socket.untaggedPorts() }
    ask(datagram) { socket in
        guard let name = InterfaceName("br0") else { return }
        _ = try socket.packetCounts(of: name)
    }
}

/// The verbs about entries in the kernel's tables other than links.
private func checkTables(_ datagram: [UInt8]) {
    ask(datagram) { socket in _ = try socket.forwardingEntries() }
    ask(datagram) { socket in
        for entry in try socket.neighbours() {
            precondition(IPAddress(entry.address.description) == entry.address)
        }
    }
    ask(datagram) { socket in
        for neighbour in try socket.fixedNeighbours() { precondition(!neighbour.description.isEmpty) }
    }
    ask(datagram) { socket in _ = try socket.holder(of: MACAddress(bits: 0x02_00_00_00_00_01), on: 5) }
    ask(datagram) { socket in
        for address in try socket.addresses() { precondition(IPPrefix("\(address.prefix)") == address.prefix) }
    }
    ask(datagram) { socket in
        for route in try socket.routes() {
            precondition(!route.description.isEmpty)
            precondition(route.moved(from: 2, to: 3).links.isDisjoint(with: [2]))
        }
    }
    ask(datagram) { socket in
        for rule in try socket.rules() { precondition(!rule.description.isEmpty) }
    }
}

/// Runs one exchange; an error has to be printable.
private func ask(_ datagram: [UInt8], _ verb: (inout RouteSocket) throws -> Void) {
    var socket = RouteSocket(transport: Replay(datagram))
    do {
        try verb(&socket)
    } catch { precondition(!"\(error)".isEmpty) }
}

/// A kernel that answers once, with one datagram.
private final class Replay: NetlinkTransport {
    private var datagram: [UInt8]?

    init(_ datagram: [UInt8]) { self.datagram = datagram }

    func send(_ datagram: [UInt8]) {}

    func receive(within limit: Duration) throws(Errno) -> Datagram {
        guard let bytes = datagram.take() else { throw .timedOut }
        return Datagram(bytes: bytes)
    }
}
