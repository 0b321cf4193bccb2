import Foundation
import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// A fault at any operation of a plan leaves the real kernel's network exactly as it was.
@Suite struct FaultTests {
    private static let host = [
        "link add eth0 address 52:54:00:00:00:09 mtu 1400 type veth peer name far",
        "link set lo up", "link set far up", "link set eth0 up",
        "addr add 10.0.0.5/24 brd + dev eth0", "addr add 10.0.0.6/24 dev eth0 label eth0:1",
        "addr add 192.168.7.1 peer 192.168.7.2/32 dev eth0", "addr add 10.8.0.1/16 dev eth0 noprefixroute metric 77",
        "addr add 2001:db8::5/64 dev eth0", "addr add 2001:db8::6/64 dev eth0 nodad preferred_lft 0",
    ]
    private static let routes = [
        "route add default via 10.0.0.1 metric 50 src 10.0.0.6",
        "route add 10.9.0.0/16 via 10.0.0.2 table 7 proto dhcp",
        "route add 10.10.0.0/16 nexthop via 10.0.0.3 weight 2 nexthop via 10.0.0.4",
        "route add 10.11.0.0/16 dev eth0 scope link mtu 1300", "route add 172.30.0.1 via 172.31.0.1 dev eth0 onlink",
        "-6 route add default via 2001:db8::1", "-6 route add 2001:db8:9::/48 via fe80::1 dev eth0 metric 9",
        "-6 route add 2001:db8:8::/48 dev eth0 src 2001:db8::5",
        "rule add iif eth0 lookup 7 priority 100", "-6 rule add oif eth0 lookup 8 priority 200",
        "neigh add 10.0.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent",
        "neigh add 10.0.0.78 lladdr 02:00:00:00:00:78 dev eth0 nud permanent protocol bird",
        "neigh add 10.0.0.79 lladdr 02:00:00:00:00:79 dev eth0 extern_learn",
        "-6 neigh add 2001:db8::77 lladdr 02:00:00:00:00:77 dev eth0 router nud permanent",
        "neigh add proxy 10.0.0.88 dev eth0", "-6 neigh add proxy 2001:db8::88 dev eth0",
    ]

    private enum Fault: CaseIterable {
        /// The kernel refuses the operation.
        case refusal
        /// The kernel carries it out, and its answer is lost.
        case lostAnswer
    }

    @Test(arguments: [false, true])
    func leaveNothingBehind(onTheWayBack: Bool) throws {
        try inFreshNamespace {
            try setUp()
            let name = try InterfaceName.known("br0")
            var socket = try RouteSocket()
            let mac = try #require(MACAddress("02:00:00:00:00:01"))
            var wanted = ConnectedBridge(try BridgeSpec(name: name, mac: mac))
            wanted.uplink = DeviceName("eth0")
            wanted.addresses = [try #require(IPPrefix("10.77.0.1/16"))]
            wanted.spanningTree = true
            let up = try UplinkPlan.up(wanted, found: socket.state())
            if onTheWayBack { try socket.perform(up) }
            let plan = try onTheWayBack ? UplinkPlan.down(name, found: socket.state()) : up
            #expect(plan.count > 30)

            let before = try snapshot()
            // The last step of the way back, the deletion, is the only one that can't be undone. Nothing follows it.
            for position in 0..<(onTheWayBack ? plan.count - 1 : plan.count) {
                for fault in Fault.allCases {
                    var faulty = RouteSocket(
                        transport: FaultyTransport(try KernelTransport(), at: position, isLost: fault == .lostAnswer))
                    let error = #expect(throws: NetworkError.self) { try faulty.perform(plan) }
                    #expect(error?.notUndone == [], "\(fault) at \(plan[position])")
                    let difference = try difference(from: before)
                    try #require(difference == [], "\(fault) at \(plan[position]): \(difference)")
                }
            }
        }
    }

    /// A script left behind by a killed process undoes whatever part of its plan was done.
    @Test func aScriptTakesBackAnyPart() throws {
        try inFreshNamespace {
            try setUp()
            let name = try InterfaceName.known("br0")
            var socket = try RouteSocket()
            var wanted = ConnectedBridge(
                try BridgeSpec(name: name, mac: try #require(MACAddress("02:00:00:00:00:01"))))
            wanted.uplink = DeviceName("eth0")
            let plan = try UplinkPlan.up(wanted, found: socket.state())
            let script = try #require(NetworkScript(lines: NetworkScript(undoing: plan).lines))
            #expect(script == NetworkScript(undoing: plan))

            let before = try snapshot()
            for count in 0...plan.count {
                for operation in plan.prefix(count) { try socket.perform(operation) }
                let failures = socket.perform(script)
                #expect(failures == [], "after \(count) of \(plan.count)")
                let difference = try difference(from: before)
                try #require(difference == [], "after \(count) of \(plan.count): \(difference)")
            }
        }
    }

    @Test(arguments: ["", "xyz", "0", "00000000", "1000000000000000ffffffff", "é"])
    func aSpoiltScriptIsRefused(_ line: String) { #expect(NetworkScript(lines: [line]) == nil) }

    private func setUp() throws {
        try Self.host.forEach { try ip($0) }
        // A tentative address can't be the source of a route.
        let deadline = ContinuousClock.now + .seconds(30)
        while try ip("-j addr").contains("tentative") {
            try #require(ContinuousClock.now < deadline, "addresses are still tentative")
            usleep(50_000)
        }
        try Self.routes.forEach { try ip($0) }
    }

    /// Everything that ip(8) reports, a line for each entry, except for what changes by itself: timers of the bridge
    /// and its ports, and neighbours that the kernel discovers. The order of neighbours and IPv6 routes does not count:
    /// two links' routes to fe80::/64, which mean different networks, are in the order in which they were added.
    private func snapshot() throws -> [String] {
        let questions = [
            "addr", "-d link", "-4 route show table all", "-6 route show table all", "-4 rule", "-6 rule",
            "neigh show nud permanent", "neigh show proxy",
        ]
        return try questions.flatMap { question in
            // The kernel derives the operational state later, in a work queue (net/core/link_watch.c).
            let text = try ip("-j \(question)").replacing(/"[a-z_]*timer":[0-9.]+/, with: "\"timer\":0")
                .replacing(/"operstate":"[A-Z]+"/, with: "\"operstate\":\"\"")
            let entries = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [Any])
            let lines = try entries.map { entry in
                let line = try JSONSerialization.data(withJSONObject: entry, options: [.sortedKeys])
                return "\(question): \(String(decoding: line, as: UTF8.self))"
            }
            return question.hasPrefix("-6 route") || question.hasPrefix("neigh") ? lines.sorted() : lines
        }
    }

    /// The differences, once the kernel has finished deferred work: a work queue adds the local route of an IPv6
    /// address (net/ipv6/addrconf.c, addrconf_dad_work).
    private func difference(from before: [String]) throws -> [String] {
        let deadline = ContinuousClock.now + .seconds(10)
        var after = try snapshot()
        while after != before, ContinuousClock.now < deadline {
            usleep(20_000)
            after = try snapshot()
        }
        return after == before
            ? [] : ["was:"] + before.filter { !after.contains($0) } + ["is:"] + after.filter { !before.contains($0) }
    }

    /// Runs ip(8) in this thread's namespace, which popen(3) does not leave.
    @discardableResult private func ip(_ words: String) throws -> String {
        let stream = try #require(popen("/usr/sbin/ip \(words)", "r"))
        var text: [UInt8] = []
        while case let byte = getc(stream), byte != EOF { text.append(UInt8(byte)) }
        try #require(pclose(stream) == 0, "ip \(words)")
        return String(decoding: text, as: UTF8.self)
    }
}

/// The real kernel, with a fault at one position.
private final class FaultyTransport: NetlinkTransport {
    private let kernel: KernelTransport
    private let isLost: Bool
    private var left: Int
    private var pending: Datagram?

    init(_ kernel: KernelTransport, at position: Int, isLost: Bool) {
        (self.kernel, left, self.isLost) = (kernel, position, isLost)
    }

    func send(_ datagram: [UInt8]) throws(Errno) {
        left -= 1
        if left != -1 || isLost { return try kernel.send(datagram) }
        let sequence = datagram[8..<12].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        pending = Datagram(bytes: KernelReplies.numbered(sequence, KernelReplies.refusal))
    }

    func receive(within limit: Duration) throws(Errno) -> Datagram {
        if let refusal = pending.take() { return refusal }
        if isLost, left == -1 {
            left -= 1
            _ = try kernel.receive(within: limit)
            throw .noBufferSpace
        }
        return try kernel.receive(within: limit)
    }
}
