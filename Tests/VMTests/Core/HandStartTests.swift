import SystemPackage
import Testing

@testable import VMCore

/// `explain --shell`; `test_by_hand.py` pastes it.
@Suite struct HandStartTests {
    private static func command(_ lines: String, file: FilePath, uid: UInt32 = 0) throws -> [Substring] {
        let params = try #require(VMParams.parse(Array(lines.utf8), file: file).params)
        let directory = HandStart.directory(of: params.name.value)
        var options = StartOptions(foreground: true)
        options.handDirectory = directory
        var facts = Host.kvm.facts
        let place = file.removingLastComponent()
        facts.images[place.appending("d")] = .missing(directIO: true, failure: nil)
        for name in ["k", "i"] {
            facts.images[place.appending(name)] = .image(.init(bytes: 1 << 20, content: .raw, directIO: true))
        }
        let plan = try LaunchPlan(params, options: options, facts: facts)
        return try HandStart(plan, in: directory, uid: uid).text.split(separator: "\n")
    }

    @Test func nothingIsLeftToInherit() throws {
        let lines = try Self.command(
            "NAME=web\nKERNEL=k\nINITRD=i\nDISK0=d\nDISK0_SIZE=1G\nVNCDISP=auto\n", file: "/vms/1/vm.params")
        #expect(lines.first == "(" && lines.last == ")")
        #expect(lines[1] == "  mkdir -m 700 /tmp/kvmctl-web || exit")
        #expect(lines.contains("  test -e /vms/1/d || truncate -s 1073741824 /vms/1/d || exit"))
        let text = lines.joined(separator: "\n")
        for word in ["fdset", "/proc/self", "fd="] { #expect(!text.contains(word)) }
        #expect(text.contains(#"'{"execute":"qmp_capabilities"}' '{"execute":"query-vnc"}' '{"execute":"cont"}' |"#))
    }

    @Test func noPathBecomesACommand() throws {
        let lines = try Self.command("NAME=web\nDISK0=d\nDISK0_SIZE=1G\n", file: "/a 'b,\n`id`/vm.params")
        let path = #"$'/a \047b,\012\140id\140/d'"#
        #expect(lines.contains("  test -e \(path) || truncate -s 1073741824 \(path) || exit"))
        // JSON escapes the line end itself, and the shell leaves that as it is.
        #expect(lines.contains { $0.contains(#""filename":"/a \047b,\\n\140id\140/d""#) })
    }

    @Test func aTapIsMadeByRootAndGoesAgain() throws {
        let lines = try Self.command(
            "NAME=web\nUUID=c07f4d08-db52-8fb1-88e5-9d75c7ff75fe\nMAC=52:54:00:00:00:01\nNET0_QUEUES=2\nCPUS=2\n",
            file: "/vms/1/vm.params", uid: 1000)
        let kind = "dev kvc07f4d08-0 mode tap multi_queue"
        #expect(lines.contains("  sudo ip tuntap add \(kind) user 1000 || exit"))
        #expect(lines.contains("  sudo ip link set dev kvc07f4d08-0 mtu 1500 master br0 up || exit"))
        #expect(lines.contains("  trap 'sudo ip tuntap del \(kind); rm -r /tmp/kvmctl-web' EXIT || exit"))
        let backend = "tap,id=net0,ifname=kvc07f4d08-0,script=no,downscript=no,queues=2,vhost=on"
        #expect(lines.contains { $0.contains(backend) })
    }

    @Test func whatItCannotHaveIsRefused() throws {
        #expect {
            try Self.command("NAME=web\nNET0=bridge:brvlan\nNET0_VLAN=7\nNET1=nat\n", file: "/vms/1/vm.params")
        } throws: { "\($0)".contains("NET0_VLAN") && "\($0)".contains("network nat") }
    }
}
