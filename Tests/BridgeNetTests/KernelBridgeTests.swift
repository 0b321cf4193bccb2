import SystemPackage
import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Bridges in the real kernel.
@Suite struct KernelBridgeTests {
    private let name: InterfaceName
    private let mac: MACAddress

    init() throws {
        name = try #require(InterfaceName("br0"))
        mac = try #require(MACAddress("02:00:00:00:00:01"))
    }

    @Test func aFreshNamespaceHasNothingButALoopback() throws {
        let links = try inFreshNamespace {
            var socket = try RouteSocket()
            return try socket.links()
        }
        var loopback = Link(index: 1, name: "lo", mac: MACAddress("00:00:00:00:00:00"), mtu: 65536, state: .down)
        loopback.isEthernet = false
        loopback.addressGeneration = links.first?.addressGeneration
        // Kernels with fallback tunnel devices show those too.
        #expect(links.first == loopback)
        #expect(links.dropFirst().allSatisfy { !$0.isUp && !$0.isBridge })
    }

    @Test func comesUpAsAskedAndAskingAgainChangesNothing() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            let spec = try BridgeSpec(name: name, mac: mac, mtu: 9000)
            try socket.perform(BridgePlan.up(spec, found: socket.links()))

            let bridge = try #require(try socket.link(named: name))
            #expect(bridge.isBridge && bridge.isUp)
            #expect(bridge.mac == mac)
            #expect(bridge.mtu == 9000)
            let again = try BridgePlan.up(spec, found: socket.links())
            #expect(again == [])
        }
    }

    @Test func goesDown() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            try socket.perform(.createBridge(name, mac: mac))
            try socket.perform(BridgePlan.down(name, found: socket.links()))
            #expect(try socket.link(named: name) == nil)
            let again = try BridgePlan.down(name, found: socket.links())
            #expect(again == [])
        }
    }

    @Test func doesNotGoDownUnderAPort() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            try socket.perform(.createBridge(name, mac: mac))
            let tap = try Tap()
            try tap.join(bridge: name, alias: "web", using: &socket)
            let links = try socket.links()
            let error = #expect(throws: NetworkError.self) { try BridgePlan.down(name, found: links) }
            #expect(error?.reason == "it still has ports: tap0 (web)")
        }
    }

    @Test func keepsItsAddressAndMTUAsTapsComeAndGo() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            try socket.perform(BridgePlan.up(BridgeSpec(name: name, mac: mac, mtu: 9000), found: []))
            func look() throws -> [String] {
                let bridge = try #require(try socket.link(named: name))
                return ["\(bridge.mac?.description ?? "-") \(bridge.mtu)"]
            }
            for _ in 0..<3 {
                let tap = try Tap()
                try tap.join(bridge: name, alias: "web", using: &socket)
                let small = try Tap()
                try small.join(bridge: name, alias: "db", mtu: 1400, using: &socket)
                #expect(try look() == ["02:00:00:00:00:01 9000"])
                _ = consume small
                _ = consume tap
                #expect(try look() == ["02:00:00:00:00:01 9000"])
            }
        }
    }

    @Test func aTakenNameIsTheKernelsExists() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            try socket.perform(.createBridge(name, mac: mac))
            let error = #expect(throws: NetworkError.self) { try socket.perform(.createBridge(name, mac: mac)) }
            #expect(error?.code == .exists)
            #expect(error?.errno == .fileExists)
        }
    }

    @Test func aRefusalCarriesTheKernelsWords() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            try socket.perform(.createBridge(name, mac: mac))
            let tooLarge = NetworkOperation.change(name, from: LinkSettings(mtu: 1500), to: LinkSettings(mtu: 70000))
            let error = #expect(throws: NetworkError.self) { try socket.perform(tooLarge) }
            #expect(error?.code == .invalid)
            #expect(error?.kernelMessage == "mtu greater than device maximum")
        }
    }

    @Test func aPlanThatFailsLeavesTheLinksAsTheyWere() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            let tap = try Tap()
            let before = try socket.links()
            // The second change fails at its last setting, after the kernel has applied the others.
            let from = LinkSettings(mtu: 1500, alias: "", controller: 0)
            let to = LinkSettings(mtu: 1400, alias: "web", controller: 4711)
            let plan: [NetworkOperation] = [.createBridge(name, mac: mac), .change(tap.name, from: from, to: to)]
            let error = #expect(throws: NetworkError.self) { try socket.perform(plan) }
            #expect(error?.subject == "tap0")
            #expect(error?.notUndone == [])
            #expect(try socket.links() == before)
        }
    }
}
