import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Addresses, routes and rules in the real kernel.
@Suite struct KernelEntryTests {
    /// A namespace with a bridge br0 that has index 77.
    private func withBridge(_ body: (inout RouteSocket, InterfaceName) throws -> Void) throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            let name = try InterfaceName.known("br0")
            let mac = try #require(MACAddress("02:00:00:00:00:01"))
            try socket.perform(.createBridge(name, mac: mac, index: 77))
            try body(&socket, name)
        }
    }

    @Test(arguments: ["10.0.0.5/24", "2001:db8::5/64"])
    func anAddressComesAndGoesAsItWas(_ text: String) throws {
        try withBridge { socket, name in
            let wanted = InterfaceAddress(try #require(IPPrefix(text)), link: 77, label: "br0:1")
            try socket.perform(.add(.address(wanted), on: name))
            let found = try #require(try socket.addresses().first { $0.prefix == wanted.prefix })
            #expect((found.link, found.label) == (77, wanted.label))

            try socket.perform(.remove(.address(found), on: name))
            #expect(try socket.addresses().contains { $0.prefix == wanted.prefix } == false)
            try socket.perform(.add(.address(found), on: name))
            #expect(try socket.addresses().first { $0.prefix == wanted.prefix } == found)
        }
    }

    @Test(arguments: [("10.0.0.5/24", "10.0.0.1"), ("2001:db8::5/64", "2001:db8::1")])
    func aRouteComesAndGoesAsItWas(_ prefix: String, _ router: String) throws {
        try withBridge { socket, name in
            let prefix = try #require(IPPrefix(prefix))
            var address = InterfaceAddress(prefix, link: 77)
            address.flags = .withoutDuplicateDetection
            try socket.perform(.add(.address(address), on: name))
            let wanted = Route(defaultVia: try #require(IPAddress(router)), link: 77)
            try socket.perform(.add(.route(wanted), on: name))
            let found = try #require(try socket.routes().first { $0.isDefault && $0.family == wanted.family })
            #expect((found.gateway, found.links, found.origin) == (wanted.gateway, [77], wanted.origin))

            try socket.perform(.remove(.route(found), on: name))
            #expect(try socket.routes().contains { $0.isDefault && $0.family == wanted.family } == false)
            try socket.perform(.add(.route(found), on: name))
            #expect(try socket.routes().first { $0.isDefault && $0.family == wanted.family } == found)
        }
    }

    @Test func aRuleIsRenamedAndBack() throws {
        try withBridge { socket, name in
            let first = try #require(try socket.rules().first)
            var named = first
            named.attributes += [.number(RuleWire.priority, UInt32(4711)), .name(RuleWire.input, "eth0")]
            try socket.perform(.add(.rule(named), on: name))
            let found = try #require(try socket.rules().first { $0.priority == 4711 })
            #expect(found.input == "eth0")
            let plan: [NetworkOperation] = [
                .remove(.rule(found), on: name), .add(.rule(found.renamed(from: "eth0", to: "br0")), on: name),
            ]
            try socket.perform(plan)
            #expect(try socket.rules().first { $0.priority == 4711 }?.input == "br0")
            try socket.perform(plan.reversed().compactMap(\.inverse))
            #expect(try socket.rules().first { $0.priority == 4711 } == found)
        }
    }

    @Test func aBridgeTellsItsOptions() throws {
        try withBridge { socket, name in
            let found = try #require(try socket.link(named: name)?.bridge)
            #expect((found.spanningTree, found.forwardDelay) == (false, 0))
            let on = BridgeOptions(spanningTree: true)
            try socket.perform(.changeBridge(name, from: BridgeOptions(spanningTree: false), to: on))
            #expect(try socket.link(named: name)?.bridge?.spanningTree == true)
        }
    }

    /// Afterwards it is on if the kernel supports it; otherwise the request is refused with a clear reason.
    @Test func vlanFilteringIsNeverJustPassedOver() throws {
        try withBridge { socket, name in
            let on = NetworkOperation.changeBridge(
                name, from: BridgeOptions(vlanFiltering: false), to: BridgeOptions(vlanFiltering: true))
            do throws(NetworkError) {
                try socket.perform(on)
                #expect(try socket.link(named: name)?.bridge?.vlanFiltering == true)
            } catch {
                #expect(error.code == .unsupported)
                #expect(error.reason == "this kernel has no VLAN filtering")
            }
        }
    }
}
