import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Macvtaps, queues and limits in the real kernel.
@Suite struct KernelMacvtapTests {
    private let mac: MACAddress
    private let lower: InterfaceName
    private let name: InterfaceName

    init() throws {
        mac = try #require(MACAddress("52:54:00:00:00:01"))
        lower = try InterfaceName.known("br0")
        name = try InterfaceName.known("mv0")
    }

    /// A namespace with a bridge, on which a macvtap can sit because it is Ethernet.
    private func withLower(_ body: (inout RouteSocket) throws -> Void) throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            let address = try #require(MACAddress("02:00:00:00:00:01"))
            try socket.perform(BridgePlan.up(BridgeSpec(name: lower, mac: address), found: []))
            try body(&socket)
        }
    }

    @Test func isAStationOfItsOwn() throws {
        try withLower { socket in
            let macvtap = try Macvtap(creating: name, on: lower, mac: mac, alias: "web", mtu: 1400, using: &socket)
            let link = try #require(try socket.link(named: name))
            #expect((link.kind, link.mac, link.mtu, link.alias, link.isUp) == ("macvtap", mac, 1400, "web", true))
            #expect(macvtap.identity == PortIdentity(index: link.index, name: "mv0", kind: "macvtap", alias: "web"))
            #expect(!(try text(of: "/proc/thread-self/net/if_inet6").contains("mv0")))
        }
    }

    /// By the link's index in this namespace, whatever /sys and /dev show.
    @Test func everyQueueIsItsOwn() throws {
        try withLower { socket in
            let macvtap = try Macvtap(creating: name, on: lower, mac: mac, alias: "web", using: &socket)
            for _ in 0..<3 {
                let queue = FileDescriptor(rawValue: try macvtap.openQueue(isMultiqueue: true))
                defer { try? queue.close() }
                #expect(fcntl(queue.rawValue, F_GETFD) == FD_CLOEXEC)
                #expect(try #require(nameAndFlags(of: queue)) == ("mv0", 0x5102))
            }
        }
    }

    /// What TUNGETIFF returns: the interface, and IFF_MULTI_QUEUE, IFF_VNET_HDR, IFF_NO_PI, IFF_TAP.
    private func nameAndFlags(of queue: FileDescriptor) -> (String, UInt16)? {
        var request = [UInt8](repeating: 0, count: 40)  // struct ifreq
        let getInterface: UInt = 0x8004_54d2  // TUNGETIFF
        guard ioctl(queue.rawValue, getInterface, &request) == 0 else { return nil }
        return (
            String(decoding: request.prefix { $0 != 0 }, as: UTF8.self), UInt16(request[16]) | UInt16(request[17]) << 8
        )
    }

    @Test func aFailureLeavesNone() throws {
        try withLower { socket in
            let missing = try InterfaceName.known("eth7")
            let error = #expect(throws: NetworkError.self) {
                _ = try Macvtap(creating: name, on: missing, mac: mac, alias: "web", using: &socket)
            }
            #expect(error?.code == .notFound)
            #expect(throws: NetworkError.self) {
                let long = String(repeating: "a", count: 256)
                _ = try Macvtap(creating: name, on: lower, mac: mac, alias: long, using: &socket)
            }
            #expect(try socket.link(named: name) == nil)
        }
    }

    @Test func takesTheFirstFreeName() throws {
        try withLower { socket in
            let first = try Macvtap.freeName(using: &socket)
            #expect(first.description == "macvtap0")
            _ = try Macvtap(creating: first, on: lower, mac: mac, alias: "web", using: &socket)
            #expect(try Macvtap.freeName(using: &socket).description == "macvtap1")
            let error = #expect(throws: NetworkError.self) {
                _ = try Macvtap(creating: first, on: lower, mac: mac, alias: "web", using: &socket)
            }
            #expect(error?.code == .exists)
        }
    }

    @Test func aTapHasAsManyQueuesAsOpened() throws {
        try inFreshNamespace {
            let tap = try Tap(isMultiqueue: true)
            let queues = try (0..<15).map { _ in FileDescriptor(rawValue: try tap.openQueue()) }
            defer { for queue in queues { try? queue.close() } }
            #expect(queues.allSatisfy { nameAndFlags(of: $0)?.0 == tap.name.description })
            let single = try Tap()
            #expect(throws: NetworkError.self) { try single.openQueue() }
        }
    }

    @Test func aLimitIsMadeOnce() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            let tap = try Tap()
            let link = try #require(try socket.link(named: tap.name))
            let port = PortIdentity(index: link.index, name: link.name, kind: "tun", alias: "web")
            let bucket = try socket.limit(port, toBytesPerSecond: 12_500_000)
            #expect(bucket == TokenBucket(bytesPerSecond: 12_500_000, mtu: 1500))
            let error = #expect(throws: NetworkError.self) {
                try socket.limit(port, toBytesPerSecond: 12_500_000)
            }
            #expect(error?.code == .exists)
        }
    }
}
