import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Taps in the real kernel.
@Suite struct KernelTapTests {
    private let bridge: InterfaceName
    private let mac: MACAddress

    init() throws {
        bridge = try InterfaceName.known("br0")
        mac = try #require(MACAddress("02:00:00:00:00:01"))
    }

    /// A namespace with a bridge that has this MTU.
    private func withBridge(mtu: Int? = nil, _ body: (inout RouteSocket) throws -> Void) throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            try socket.perform(BridgePlan.up(BridgeSpec(name: bridge, mac: mac, mtu: mtu), found: []))
            try body(&socket)
        }
    }

    @Test(arguments: [nil, 1500, 9000])
    func joinsWithTheMTUOfTheBridge(mtu: Int?) throws {
        try withBridge(mtu: mtu) { socket in
            let tap = try Tap()
            try tap.join(bridge: bridge, alias: "web", using: &socket)
            let port = try #require(try socket.link(named: tap.name))
            let controller = try #require(try socket.link(named: bridge))
            #expect(port.isUp)
            #expect(port.kind == "tun")
            #expect(port.mtu == mtu ?? 1500)
            #expect(port.alias == "web")
            #expect(port.controller == controller.index)
            #expect(controller.mtu == mtu ?? 1500)
            #expect(controller.mac == mac)
        }
    }

    @Test(arguments: [nil, 1500, 9000])
    func aSmallerTapDoesNotShrinkTheBridge(mtu: Int?) throws {
        try withBridge(mtu: mtu) { socket in
            let tap = try Tap()
            try tap.join(bridge: bridge, alias: "web", mtu: 1400, using: &socket)
            #expect(try socket.link(named: tap.name)?.mtu == 1400)
            #expect(try socket.link(named: bridge)?.mtu == mtu ?? 1500)
        }
    }

    @Test func goesWithItsDescriptor() throws {
        try withBridge { socket in
            let name = try InterfaceName.known("vm7")
            do {
                let tap = try Tap(named: name)
                #expect(tap.name == name)
                #expect(fcntl(tap.descriptor, F_GETFD) == FD_CLOEXEC)
                #expect(try socket.link(named: name) != nil)
            }
            #expect(try socket.link(named: name) == nil)
        }
    }

    @Test func aDescriptorHandedOverKeepsIt() throws {
        try withBridge { socket in
            let tap = try Tap()
            let name = tap.name
            let descriptor = tap.release()
            #expect(try socket.link(named: name) != nil)
            try FileDescriptor(rawValue: descriptor).close()
            #expect(try socket.link(named: name) == nil)
        }
    }

    @Test func takesTheFirstFreeNumber() throws {
        try inFreshNamespace {
            let first = try Tap()
            let second = try Tap()
            #expect([first.name, second.name].map(\.description) == ["tap0", "tap1"])
            _ = consume first
            let third = try Tap()
            #expect(third.name.description == "tap0")
        }
    }

    /// Whether the name belongs to a tap of this process, a bridge, or a persistent tap.
    @Test func aTakenNameIsBusy() throws {
        try withBridge { _ in
            let tap = try Tap()
            let persistent = try Tap(named: .known("keep0"))
            let keep = persistent.name
            let persist: UInt = 0x4004_54cb  // TUNSETPERSIST
            #expect(ioctl(persistent.descriptor, persist, 1) == 0)
            _ = consume persistent
            for name in [bridge, tap.name, keep] {
                do throws(NetworkError) {
                    _ = try Tap(named: name)
                    Issue.record("\(name) was given away twice")
                } catch {
                    #expect(error.code == .busy)
                    #expect(error.description.hasPrefix("\(name): creating the tap: an interface of that name exists"))
                }
            }
        }
    }

    /// No other user can attach to it by name (drivers/net/tun.c, tun_not_capable).
    @Test(arguments: [false, true])
    func belongsToRoot(isMultiqueue: Bool) throws {
        try withBridge { socket in
            let tap = try Tap(isMultiqueue: isMultiqueue)
            let found = try #require(try socket.link(named: tap.name)?.tap)
            #expect(found == Link.TapFacts(isPersistent: false, owner: 0, queues: isMultiqueue ? 1 : nil))
        }
    }

    /// A process that has its descriptor can make it persistent and change its owner and address.
    @Test func isRemovedWhateverWasMadeOfIt() throws {
        try withBridge { socket in
            let tap = try Tap()
            let port = try tap.join(bridge: bridge, alias: "web", using: &socket)
            let (persist, owner, setAddress): (UInt, UInt, UInt) = (0x4004_54cb, 0x4004_54cc, 0x8924)
            #expect(ioctl(tap.descriptor, persist, 1) == 0)
            #expect(ioctl(tap.descriptor, owner, 65534) == 0)
            var request = [UInt8](repeating: 0, count: 40)  // struct ifreq
            request.replaceSubrange(16..<24, with: [1, 0, 2, 0, 0, 0, 0, 9])
            #expect(ioctl(tap.descriptor, setAddress, &request) == 0)
            #expect(try socket.link(numbered: port.index)?.mac == MACAddress("02:00:00:00:00:09"))
            // A port with the same index or name but another owner is left alone.
            var other = port
            other.alias = "db"
            try socket.remove(other)
            #expect(try socket.link(numbered: port.index) != nil)
            // A port is removed even while a process has it open.
            try socket.remove(port)
            #expect(try socket.link(named: tap.name) == nil)
            try socket.remove(port)
        }
    }

    @Test func aMissingBridgeLeavesTheTapAsItWas() throws {
        try withBridge { socket in
            let tap = try Tap()
            let before = try socket.link(named: tap.name)
            let missing = try InterfaceName.known("br1")
            let error = #expect(throws: NetworkError.self) {
                try tap.join(bridge: missing, alias: "web", using: &socket)
            }
            #expect(error?.remedy == .make(bridge: missing))
            #expect(try socket.link(named: tap.name) == before)
        }
    }

    @Test func getsNoIPv6Address() throws {
        try withBridge { socket in
            let joined = try Tap(named: .known("joined"))
            try joined.join(bridge: bridge, alias: "web", using: &socket)
            // The control: a tap without that setting gets one as soon as it is up.
            let plain = try Tap(named: .known("plain"))
            try socket.perform(.change(plain.name, from: LinkSettings(isUp: false), to: LinkSettings(isUp: true)))
            let addresses = try text(of: "/proc/thread-self/net/if_inet6")
            try #require(addresses.contains("plain"), "this kernel assigns no IPv6 addresses: nothing to test")
            #expect(!addresses.contains("joined"))
        }
    }
}
