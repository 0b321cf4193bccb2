import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// A bridge with all ports taken, in the real kernel.
@Suite struct FullBridgeTests {
    /// Ports are numbered with 10 bits, and 0 is not used (BR_PORT_BITS, net/bridge/br_private.h).
    private let limit = 1023

    @Test func refusesOnePortMoreAndSaysWhy() throws {
        try raiseOpenFiles(to: 2 * limit)
        try inFreshNamespace {
            let bridge = try InterfaceName.known("br0")
            var socket = try RouteSocket()
            try socket.perform(.createBridge(bridge, mac: BridgeSpec.defaultMAC(name: bridge, seed: [])))
            var crowd = try Crowd()
            for number in 0..<limit {
                let tap = try Tap(named: .known("p\(number)"))
                try tap.join(bridge: bridge, alias: "vm\(number)", using: &socket)
                try crowd.add(tap)
            }

            let tap = try Tap()
            let before = try socket.link(named: tap.name)
            let error = #expect(throws: NetworkError.self) { try tap.join(bridge: bridge, alias: "", using: &socket) }
            #expect(error?.code == .busy)
            #expect(error?.errno == Errno(rawValue: EXFULL))
            #expect(error?.reason == "the bridge is full: all its 1,023 ports are taken")
            #expect(try socket.link(named: tap.name) == before)
            #expect(try socket.links().filter { $0.controller != nil }.count == limit)
            try crowd.leave()
        }
    }

    private func raiseOpenFiles(to count: Int) throws {
        let openFiles = __rlimit_resource_t(7)  // RLIMIT_NOFILE
        var files = rlimit()
        try #require(getrlimit(openFiles, &files) == 0)
        try #require(files.rlim_max >= count, "needs \(count) open files")
        files.rlim_cur = max(files.rlim_cur, rlim_t(count))
        try #require(setrlimit(openFiles, &files) == 0)
    }
}

/// Many taps that are deleted together: the kernel takes 20 ms to delete a single one, because it waits for all
/// readers.
private struct Crowd: ~Copyable {
    private var descriptors: [FileDescriptor] = []
    private var exchange: Exchange
    private let group = Attribute.number(27, UInt32(1))  // IFLA_GROUP

    init() throws { exchange = Exchange(try KernelTransport(), limit: .seconds(60)) }

    mutating func add(_ tap: consuming Tap) throws {
        let name = Attribute.name(LinkWire.name, tap.name.description)
        descriptors.append(FileDescriptor(rawValue: tap.release()))
        try ask(LinkWire.setLink, [name, group])
    }

    mutating func leave() throws { try ask(LinkWire.deleteLink, [group]) }

    private mutating func ask(_ type: UInt16, _ attributes: [Attribute]) throws {
        _ = try exchange.request(
            LinkRequest(type: type, flags: [.request, .acknowledge], attributes: attributes))
    }

    deinit {
        for descriptor in descriptors { try? descriptor.close() }
    }
}
