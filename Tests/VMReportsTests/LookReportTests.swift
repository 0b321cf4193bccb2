import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife
@testable import VMReports

/// `list`, `show`, `vnc` and `ip`.
@Suite struct LookReportTests {
    @Test func list() throws {
        let report = try VMListReport([Sample.entry("web"), Sample.stopped("old")]) {
            $0.process.map { _ in .seconds(61) }
        }
        #expect(
            report.rendered(as: .text) == """
                NAME  STATE    MEMORY   CPUS  VNC  NICS                                 UPTIME
                web   running  512 MiB  2     :7   tap0@bridge:br0,tap1@nat:10.213.0.5  1m 1s
                old   stopped  -        -     -    -                                    -

                """)
        #expect(report.remarks == ["/vms/xold: can't be used; `kvmctl check /vms/xold` says why"])
        #expect(report.objects.map { $0["uptime"] } == [61, .null])
        #expect(report.objects.map { $0["fault"] } == [.null, "old"])
        #expect(report.objects.allSatisfy { $0["consoleLog"] == nil })
    }

    /// An unusual address and a display that is not known yet.
    @Test func displays() throws {
        var entry = try Sample.entry("web")
        func cell() -> Substring {
            VMReport(entry, age: nil).rendered(as: .text).split(separator: "\n").first { $0.hasPrefix("VNC ") } ?? ""
        }
        #expect(cell() == "VNC            :7, with a password: `kvmctl vnc web`")
        entry.vm?.vnc?.address = "0.0.0.0"
        entry.vm?.vnc?.hasPassword = false
        #expect(cell().hasSuffix(" 0.0.0.0:7, without a password"))
        entry.vm?.vnc?.port = nil
        #expect(cell().hasSuffix(" auto, without a password"))
        #expect(VMListReport([entry]) { _ in nil }.objects.first?["vnc"]?["port"] == .null)
        entry.vm?.vnc = nil
        #expect(cell().hasSuffix(" -"))
        #expect(VMListReport([entry]) { _ in nil }.objects.first?["vnc"] == .null)
    }

    @Test func pausedByQEMU() throws {
        var entry = try Sample.entry("web")
        entry.state = .paused
        entry.pauseReason = .noSpace(disk: "DISK0")
        let report = VMListReport([entry]) { _ in nil }
        #expect(
            report.remarks == [
                "web: paused by QEMU: no space left for DISK0; free some space on the file system that holds it, then "
                    + "`kvmctl resume web`"
            ])
        #expect(report.objects.first?["pauseReason"] == "noSpace")
        #expect(VMReport(entry, age: nil).rendered(as: .text).contains("paused by QEMU  no space left for DISK0\n"))
        entry.pauseReason = .internalError
        #expect(
            VMListReport([entry]) { _ in nil }.remarks.first?.hasSuffix("reset it with kvmctl reset, or stop it")
                == true)
    }

    @Test func show() throws {
        var entry = try Sample.entry("web")
        entry.vm?.nics.removeLast()
        entry.endReason = "guest-shutdown"
        #expect(
            VMReport(entry, age: .seconds(90_000)).rendered(as: .text) == """
                name           web
                state          running
                params         /vms/xweb
                description    web
                last end       guest-shutdown
                UUID           c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10
                memory         512 MiB
                CPUs           2
                VNC            :7, with a password: `kvmctl vnc web`
                pid            42, up 1d 1h
                accelerator    tcg
                NET0           bridge:br0, 52:54:00:00:00:01, tap0, 2 queues, filter web
                medium         /vms/xweb
                console log    /var/log/kvmctl/web/console.log
                QEMU log       /var/log/kvmctl/web/qemu.log
                flight record  /var/log/kvmctl/web/record
                QMP socket     /run/kvmctl/vms/web/qmp.sock
                serial socket  /run/kvmctl/vms/web/serial.sock
                agent socket   /run/kvmctl/vms/web/agent.sock

                """)
        #expect(VMReport(entry, age: nil).members["record"] == "/var/log/kvmctl/web/record")
    }

    /// A VM whose run-time files are gone, of which only the name is known.
    @Test func showStray() throws {
        var entry = VMEntry(name: "web", state: .unknown, file: "", place: Sample.paths)
        entry.isStray = true
        entry.obstacle = Sample.error
        let lines = VMReport(entry).rendered(as: .text).split(separator: "\n")
        #expect(lines[2] == "params          -")
        #expect(lines[3] == "run-time files  removed: the VM can be stopped, but not asked")
        let members = VMReport(entry).members
        #expect(members["params"] == .null && members["unseen"] == "web: is busy" && members["stray"] == true)
        #expect(
            VMListReport([entry]).remarks == [
                "web: still runs, but without its run-time files, which were removed; `kvmctl show web` says more"
            ])
    }

    /// A file that gives the VM no valid name: there are no places of its logs.
    @Test func showWithoutAName() throws {
        let report = VMReport(Sample.stopped("a\nb"))
        #expect(report.members["consoleLog"] == nil)
        #expect(report.rendered(as: .text).hasPrefix("name      a\nb\nstate     stopped\n"))
    }

    @Test func vnc() throws {
        func report(_ address: String, _ password: String?) throws -> VNCReport {
            VNCReport(
                try Sample.name, address: address, port: 5907, display: 7, password: password,
                tunnel: "ssh -L 5907:localhost:5907 host")
        }
        #expect(
            try report("::1", "secret").rendered(as: .text) == """
                address     [::1]:5907, display :7
                password    secret
                tunnel      ssh -L 5907:localhost:5907 host

                """)
        let open = try report("127.0.0.1", nil)
        #expect(open.rendered(as: .text).contains("password    none: \(VMParams.VNC.unprotected)\n"))
        #expect(
            open.members == [
                "name": "web", "address": "127.0.0.1", "port": 5907, "display": 7, "password": .null,
                "tunnel": "ssh -L 5907:localhost:5907 host",
            ])
    }

    @Test func addresses() throws {
        var found = try Sample.addresses("eth9")
        func text(_ layout: IPListReport.Layout) -> String { IPListReport([found], layout: layout).rendered(as: .text) }
        #expect(text(.addresses) == "192.0.2.7\n")
        #expect(IPReport(found).rendered(as: .text) == "192.0.2.7\n")
        found.wish.linkLocal = true
        #expect(text(.namedAddresses) == "web 192.0.2.7\nweb fe80::1%eth9\n")
        #expect(
            text(.table) == """
                VM   NIC   ADDRESS       SOURCE
                web  NET0  192.0.2.7     agent, arp
                web  NET0  fe80::1%eth9  nd

                """)
        found.all = []
        #expect([IPListReport.Layout.table, .addresses, .namedAddresses].allSatisfy { text($0).isEmpty })
    }

    @Test func addressesAsJSON() throws {
        var found = try Sample.addresses("eth9")
        found.wish.linkLocal = true
        let members = IPReport(found).members
        #expect(
            members["addresses"]?.array?.last == [
                "address": "fe80::1", "family": "ipv6", "scope": "link", "zone": "eth9", "nic": 0, "sources": ["nd"],
                "confirmed": true,
            ])
        #expect(
            members["nics"] == [
                ["index": 0, "network": "bridge:br0", "mac": "52:54:00:00:00:01", "tap": "tap0", "story": "eth9"]
            ])
        #expect(members["answers"] == [["source": "guest agent", "text": "eth9"]])
        #expect(members["forwards"] == ["tcp:127.0.0.1:2222:22"])
        #expect(IPListReport([found, found], layout: .table).objects.count == 2)
    }

    @Test func diff() throws {
        func text(_ difference: FileDifference) throws -> String {
            DiffReport(try Sample.name, file: "/vms/web/vm.params", difference).rendered(as: .text)
        }
        #expect(try text(FileDifference(isRunning: false)) == "web: not running\n")
        #expect(try text(FileDifference(isRunning: true)) == "web: runs as its file says\n")
        let keys = [
            ParamsDifference(KeyName(.cpus), before: "2", after: "4"),
            ParamsDifference(KeyName(.append), before: nil, after: "a b"),
        ]
        #expect(
            try text(FileDifference(isRunning: true, keys: keys, added: ["/a.iso"])) == """
                web: CPUS    2 → 4
                web: APPEND  (default) → 'a b'
                web: /a.iso is attached for this run only

                """)
    }
}
