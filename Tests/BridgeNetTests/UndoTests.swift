import SystemPackage
import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// The requests that are sent when a plan fails half way, against a scripted kernel.
@Suite struct UndoTests {
    private typealias Kernel = ScriptedTransport
    private let bridge: InterfaceName
    private let tap: InterfaceName
    private let mac: MACAddress
    private let good = Kernel.says(KernelReplies.acknowledgement)
    private let bad = Kernel.says(KernelReplies.refusal)

    init() throws {
        bridge = try #require(InterfaceName("br0"))
        tap = try #require(InterfaceName("tap0"))
        mac = try #require(MACAddress("02:00:00:00:00:01"))
    }

    private var plan: [NetworkOperation] {
        [
            .createBridge(bridge, mac: mac),
            .change(tap, from: LinkSettings(mtu: 1500), to: LinkSettings(mtu: 9000)),
        ]
    }

    @Test func whatWasDoneIsTakenBackInReverse() {
        let kernel = Kernel([good, bad, good, good])
        var socket = RouteSocket(transport: kernel)
        let error = #expect(throws: NetworkError.self) { try socket.perform(plan) }
        #expect(error?.subject == "tap0")
        #expect(error?.notUndone == [])
        // The failed change is undone too, because the kernel may have made part of it.
        #expect(kernel.sent.map(\.type) == [LinkWire.newLink, LinkWire.setLink, LinkWire.setLink, LinkWire.deleteLink])
        let undo = LinkRequest.change(tap, to: LinkSettings(mtu: 1500))
        #expect(kernel.sent[2].encoded == undo.encoded(sequence: 3))
    }

    @Test func whatCanNotBeTakenBackIsNamed() {
        let kernel = Kernel([good, bad, good, bad])
        var socket = RouteSocket(transport: kernel)
        let error = #expect(throws: NetworkError.self) { try socket.perform(plan) }
        #expect(error?.notUndone == ["create bridge br0 with MAC 02:00:00:00:00:01, up (Invalid argument)"])
    }

    @Test func withoutIPv6TheRestIsDone() throws {
        var noIPv6 = KernelReplies.noDevice
        noIPv6[16] = UInt8(truncatingIfNeeded: -97)  // EAFNOSUPPORT
        let kernel = Kernel([Kernel.says(noIPv6), good])
        var socket = RouteSocket(transport: kernel)
        let settings = LinkSettings(mtu: 9000, addressGeneration: .off)
        try socket.perform(.change(tap, from: LinkSettings(mtu: 1500, addressGeneration: .fromMAC), to: settings))
        let rest = LinkRequest.change(tap, to: LinkSettings(mtu: 9000))
        #expect(kernel.sent.last?.encoded == rest.encoded(sequence: 2))
    }
}
