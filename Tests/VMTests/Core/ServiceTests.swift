import SystemPackage
import Testing

@testable import VMCore

@Suite struct ServiceTests {
    private func dropIn(_ text: String, environment: [(key: String, value: String)] = []) throws -> String? {
        let params = try #require(VMParams.parse(Array(text.utf8), file: "/vms/web/vm.params").params)
        return UnitDropIn(params, environment: environment).text
    }

    @Test func aFileThatSaysNothingNeedsNoDropIn() throws {
        #expect(try dropIn("AUTOSTART=yes\nDISK0=vdisk0\n") == nil)
        #expect(try dropIn("AUTOSTART_DELAY=0\n") == nil)
    }

    @Test func whatTheFileSaysOfItsUnit() throws {
        let text = """
            DISK0=vdisk0
            DISK1=vdisk1
            DISK2='/srv/a b%c/"d"'
            START_AFTER=db,mail
            AUTOSTART_DELAY=2m
            LIMIT_CPU=150%
            LIMIT_IO=1M

            """
        #expect(
            try dropIn(text, environment: [("KVMCTL_VMS", "/a:/b%\"")]) == #"""
                # Written by kvmctl enable from /vms/web/vm.params; run it again after a change.

                [Unit]
                After=kvmctl@db.service kvmctl@mail.service

                [Service]
                Environment="KVMCTL_VMS=/a:/b%%\""
                ExecStartPre=/bin/sh -c 'test "$$(systemctl is-system-running)" != starting || exec sleep 120'
                TimeoutStartSec=360
                CPUQuota=150%
                IOReadBandwidthMax="/vms/web" 1048576
                IOWriteBandwidthMax="/vms/web" 1048576
                IOReadBandwidthMax="/srv/a b%%c" 1048576
                IOWriteBandwidthMax="/srv/a b%%c" 1048576

                """#)
    }

    private func order(_ vms: [(String, [String])]) throws -> [String] {
        try sorted(vms).order.map(\.description)
    }

    private func sorted(_ vms: [(String, [String])]) throws -> (order: [VMName], fault: VMError?) {
        StartOrder.of(try vms.map { vm in (try #require(VMName(vm.0)), try vm.1.map { try #require(VMName($0)) }) })
    }

    @Test func eachStartsAfterThoseThatItNames() throws {
        #expect(
            try order([("web", ["db"]), ("a", []), ("db", ["z"]), ("z", ["elsewhere"])]) == ["a", "z", "db", "web"])
        #expect(try sorted([("a", []), ("b", ["a"])]).fault == nil)
        // Some that wait for one another keep no other from starting, and start all the same.
        let circle = try sorted([("d", ["b"]), ("a", ["b"]), ("b", ["a"]), ("c", [])])
        #expect(circle.order.map(\.description) == ["c", "a", "b", "d"])
        #expect(circle.fault?.code == .badData)
    }
}
