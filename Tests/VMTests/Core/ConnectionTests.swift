import BridgeNet
import Testing

@testable import VMCore

/// Where `ssh` and the viewers connect to, and what leaves a console.
@Suite struct ConnectionTests {
    private func report(
        network: String, addresses: [String], forwards: [String] = []
    ) throws -> AddressReport {
        AddressReport(
            vm: try #require(VMName("web")), wish: AddressFilter(), state: .running,
            all: try addresses.map { GuestAddress(nic: 0, address: try #require(IPAddress($0)), sources: [.agent]) },
            nics: [
                AddressReport.NIC(index: 0, network: network, mac: try #require(MACAddress("52:54:00:00:00:01")))
            ], answers: [], canHear: true, forwards: try forwards.map { try ParamsDecoder.forward($0) })
    }

    @Test(arguments: [
        ("bridge:br0", ["192.0.2.7", "2001:db8::7"], [], "192.0.2.7", 22),
        ("nat", ["10.213.0.5"], ["tcp:127.0.0.1:2222:22"], "10.213.0.5", 22),
        ("user", ["10.0.2.15"], ["tcp:127.0.0.1:8080:80", "tcp:127.0.0.2:2222:22"], "127.0.0.2", 2222),
        ("user", ["10.0.2.15"], ["udp::53:22", "tcp::2222:22"], "127.0.0.1", 2222),
    ])
    func sshTarget(
        _ network: String, _ addresses: [String], _ forwards: [String], _ host: String, _ port: UInt16
    ) throws {
        let target = try #require(SSHTarget(try report(network: network, addresses: addresses, forwards: forwards)))
        #expect((target.host, target.port) == (host, port))
        #expect(
            target.arguments(identity: "kvmctl-web-1", user: "ann", ["-t", "top"]) == [
                "-o", "HostKeyAlias=kvmctl-web-1", "-o", "CheckHostIP=no", "-p", "\(port)", "-l", "ann", host, "-t",
                "top",
            ])
    }

    @Test(arguments: [
        ("user", ["10.0.2.15"], ["tcp::8080:80"]), ("bridge:br0", [], []), ("bridge:br0", ["fe80::1"], []),
    ])
    func noSSHTarget(_ network: String, _ addresses: [String], _ forwards: [String]) throws {
        #expect(SSHTarget(try report(network: network, addresses: addresses, forwards: forwards)) == nil)
    }

    @Test func viewersAreToldAPort() {
        let words = Viewer.known.flatMap { $0.arguments(host: "::1", port: 5907) }
        #expect(words.first == "vnc://[::1]:5907" && words.contains("[::1]::5907") && words.contains("[::1]:7"))
    }

    @Test(arguments: [("^]", 0x1d, "Ctrl-]"), ("^a", 1, "Ctrl-A"), ("^_", 0x1f, "Ctrl-_")])
    func escapes(_ text: String, _ byte: UInt8, _ shown: String) throws {
        let escape = try OptionValue.escape(text)
        #expect((escape.byte, escape.description) == (byte, shown))
    }

    @Test(arguments: ["^M", "^[", "a", "^", "", "^]]", "^1", "^é"])
    func escapesThatAreRefused(_ text: String) {
        #expect(throws: OptionValue.Fault.self) { try OptionValue.escape(text) }
    }
}
