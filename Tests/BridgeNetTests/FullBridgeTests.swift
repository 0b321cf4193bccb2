import Glibc
import SystemPackage
import Testing

@testable import BridgeNet

/// A bridge with every port taken, in the real kernel.
@Suite struct FullBridgeTests {
    /// Ports are numbered with 10 bits, and 0 is none (BR_PORT_BITS, net/bridge/br_private.h).
    private let limit = 1023

    @Test func refusesOnePortMoreAndSaysWhy() throws {
        var files = rlimit()
        #expect(getrlimit(__rlimit_resource_t(7), &files) == 0)  // RLIMIT_NOFILE
        files.rlim_cur = files.rlim_max
        try #require(files.rlim_max > 2 * limit, "needs \(2 * limit) open files")
        #expect(setrlimit(__rlimit_resource_t(7), &files) == 0)
        try inFreshNamespace {
            let bridge = try InterfaceName.known("br0")
            var socket = try RouteSocket()
            try socket.perform(.createBridge(bridge, mac: BridgeSpec.defaultMAC(name: bridge, seed: [])))
            var held: [FileDescriptor] = []
            defer { for file in held { try? file.close() } }
            var times: [Duration] = []
            for number in 0..<limit {
                let tap = try Tap(named: .known("p\(number)"))
                times.append(
                    try ContinuousClock().measure {
                        try tap.join(bridge: bridge, alias: "vm\(number)", using: &socket)
                    })
                held.append(FileDescriptor(rawValue: tap.release()))
            }
            let tap = try Tap()
            let before = try socket.link(named: tap.name)
            let error = #expect(throws: NetworkError.self) { try tap.join(bridge: bridge, alias: "", using: &socket) }
            #expect(error?.code == .busy)
            #expect(error?.errno == Errno(rawValue: EXFULL))
            #expect(error?.reason == "the bridge is full: all its 1,023 ports are taken")
            #expect(try socket.link(named: tap.name) == before)
            print(
                "JOIN first 100 median \(times[..<100].sorted()[50]) last 100 median \(times.suffix(100).sorted()[50])")
        }
    }
}
