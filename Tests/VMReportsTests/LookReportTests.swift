import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife
@testable import VMReports

/// `list`, `show`, `vnc` and `ip`.
@Suite struct LookReportTests {
    @Test func list() throws {
        var web = try Sample.entry("web")
        web.addresses = try Sample.addresses("eth9").all
        web.vm?.isProtected = false
        var old = Sample.stopped("old")
        old.state = .broken
        let report = VMListReport([web, old]) {
            $0.process.map { _ in .seconds(61) }
        }
        #expect(
            report.rendered(as: .text) == """
                NAME  STATE    MEMORY  CPUS  VNC             ADDRESS    UPTIME
                web   running  512M    2     127.0.0.1:5907  192.0.2.7  1m1s
                old   broken   -       -     -               -          -

                """)
        #expect(report.remarks == ["/vms/xold: can't be used; `kvmctl check /vms/xold` says why"])
        #expect(report.objects.map { $0["uptime"] } == [61, .null])
        #expect(report.objects.map { $0["fault"] } == [.null, "old"])
        #expect(report.objects.allSatisfy { $0["consoleLog"] == nil })
    }

    /// A guest that reboots may try several ways within milliseconds.
    @Test func historyCountsEachRebootOnce() throws {
        let name = try #require(VMName("web"))
        let events = try [0, 20, 55, 2_000, 2_010, 9_000].map { (milliseconds: Int64) in
            let line =
                #"{"event": "RESET", "data": {"guest": true}, "timestamp": {"seconds": \#(milliseconds / 1000), "#
                + #""microseconds": \#(milliseconds % 1000 * 1000)}}"#
            return try #require(VMEvent(line: line.utf8))
        }
        let report = HistoryReport(name, events) { _ in "then" }
        #expect(report.rendered(as: .text) == "then  the guest rebooted, 3 times, last at then\n")
    }

    /// What kvmctl did is counted each time.
    @Test func historyCountsEachDeed() throws {
        let name = try #require(VMName("web"))
        let line = #"{"event": "nmi", "source": "kvmctl", "data": {"by": {"user": "ann"}}}"#
        let event = try #require(VMEvent(line: line.utf8))
        let report = HistoryReport(name, [event, event]) { _ in "then" }
        #expect(
            report.rendered(as: .text)
                == "then  sent a non-maskable interrupt by ann, 2 times, last at then\n")
    }

    @Test func columns() throws {
        var entry = try Sample.entry("web")
        entry.vm?.forwards = [Sample.forward]
        entry.nextName = VMName("new")
        func text(_ columns: [ListColumn]?, _ format: Format = .text) -> String {
            VMListReport([entry], columns: columns) { _ in nil }.rendered(as: format)
        }
        #expect(
            try text(ListColumn.list("marks,nics,address")) == """
                MARKS              NICS                                 ADDRESS
                protected,pending  tap0@bridge:br0,tap1@nat:10.213.0.5  127.0.0.1:2222->22

                """)
        #expect(text([.tags]) == "TAGS\nweb,lab\n")
        #expect(text([.state, .name], .colouredText) == "STATE    NAME\n\u{1b}[32mrunning\u{1b}[0m  web\n")
        #expect(NamesReport([entry]).rendered(as: .text) == "web\n")
        #expect { try ListColumn.list("name,stat") } throws: { "\($0)".contains("Did you mean state?") }
        #expect { try VMState.list("runing") } throws: { "\($0)".contains("Did you mean running?") }
        #expect(try VMState.list("Running,broken") == [.running, .broken])
    }

    /// They are a column if some VM has one.
    @Test func marks() throws {
        var entry = try Sample.entry("web")
        func last() -> [String] {
            VMListReport([entry]) { _ in nil }.rendered(as: .text).split(separator: "\n").map {
                String($0.split(separator: " ").last ?? "")
            }
        }
        #expect(last() == ["MARKS", "protected"])
        entry.vm?.isProtected = false
        #expect(last() == ["UPTIME", "-"])
        entry.isEnabled = false
        #expect(last() == ["UPTIME", "-"])
        entry.pending = nil
        #expect(last() == ["UPTIME", "-"])
        entry.pending = [KeyName(.memory)]
        #expect(last() == ["MARKS", "pending"])
        (entry.pending, entry.isEnabled) = ([], true)
        #expect(last() == ["MARKS", "enabled"])
        (entry.vm, entry.isStray) = (nil, true)
        #expect(last() == ["MARKS", "enabled,stray"])
    }

    /// The busiest first, whatever is known of the others.
    @Test func top() throws {
        let busy = Sample.usage(try Sample.entry("web"))
        var idle = busy
        idle.entry.name = "idle"
        idle.rates?.processor = 0
        idle.rates?.network = .init(inward: .max, outward: 1023)
        let off = VMUsage(Sample.stopped("off"), usage: nil, rates: nil)
        let report = TopReport([off, idle, busy], at: Moment(microseconds: 1_000_000))
        #expect(
            report.rendered(as: .text) == """
                NAME  CPU     MEMORY  OF    READ/S  WRITE/S  RX/S  TX/S
                web   122.5%  300M    512M  1M      0        -     -
                idle  0.0%    300M    512M  1M      0        8E    1023
                off   -       -       -     -       -        -     -

                """)
        #expect(report.objects.map { $0["cpuPercent"] } == [.number(122.5), .number(0), .null])
        #expect(report.objects[0]["bytesRead"] == .integer(1 << 20))
        #expect(report.objects[0]["bytesSent"] == .null && report.objects[1]["bytesReceived"] == .integer(.max))
        // A paused VM is not merely idle.
        idle.entry.state = .paused
        #expect(TopReport([idle], at: .now).rendered(as: .text).contains("idle  paused  300M"))
        let lines = report.lines.split(separator: "\n")
        #expect(lines.count == 3 && lines.allSatisfy { $0.contains(#""time":"1970-01-01T00:00:01"#) })
        #expect(TopReport([], at: .now).rendered(as: .json) == "[]\n")
    }

    /// An unusual address and a display that is not known yet.
    @Test func displays() throws {
        var entry = try Sample.entry("web")
        func cell() -> Substring {
            VMReport(entry, age: nil).rendered(as: .text).split(separator: "\n").first { $0.hasPrefix("VNC ") } ?? ""
        }
        #expect(cell() == "VNC          127.0.0.1:5907, with a password: `kvmctl vnc web`")
        entry.vm?.vnc?.address = "0.0.0.0"
        entry.vm?.vnc?.hasPassword = false
        #expect(cell().hasSuffix(" 0.0.0.0:5907, without a password"))
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
        entry.addresses = try Sample.addresses("eth9").all
        entry.vm?.forwards = [Sample.forward]
        let report = VMReport(entry, Sample.details("web"), age: .seconds(90_000))
        #expect(
            report.rendered(as: .text) == """
                name         web
                state        running for 1d1h
                params       /vms/xweb
                description  web
                tags         web, lab
                protected    rm, reset, nmi, stop --now, restart --hard and start --discard-suspended need --force
                last end     the guest shut down
                UUID         c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10

                memory       512M; QEMU uses 300M of the host's
                CPUs         2, on the host's web
                VNC          127.0.0.1:5907, with a password: `kvmctl vnc web`
                accelerator  tcg
                process      pid 42, uid 64055, 1m15s of CPU time

                DISK0        /vms/xweb, qcow2, 8G (1.5G in use), over /vms/xbase
                SHARE0       /vms/xweb, tag a, read-only

                NET0         bridge:br0, 52:54:00:00:00:01, tap0, 2 queues, filter web
                  address    192.0.2.7
                  address    fe80::1%eth9
                forward      127.0.0.1:2222->22

                """)
        #expect(report.members["disks"]?.array?.first?["allocated"] == .integer(3 << 29))
        #expect(report.members["memoryInUse"] == .integer(300 << 20))
        let places = VMReport(entry, age: nil, showsPlaces: true).rendered(as: .text)
        #expect(places.hasSuffix("\nagent socket   /run/kvmctl/vms/web/agent.sock\n"))
        #expect(VMReport(entry, age: nil).members["record"] == "/var/log/kvmctl/web/record")
    }

    @Test func showSuspended() throws {
        var entry = Sample.stopped("web")
        (entry.state, entry.endReason) = (.suspended, "host-qmp-quit")
        let at = Moment(microseconds: 1_700_000_000_000_000)
        let saved = VMDetails.Suspension(memory: "/vms/web.state", size: ByteCount(bytes: 23 << 20), at: at)
        let report = VMReport(entry, VMDetails(media: [], suspension: saved), age: nil)
        #expect(report.rendered(as: .text).contains("suspended  \(at.local), 23M in /vms/web.state\n"))
        #expect(!report.rendered(as: .text).contains("last end"))
        #expect(report.members["suspension"]?["time"] == "2023-11-14T22:13:20Z")
    }

    /// A VM whose run-time files are gone, of which only the name is known.
    @Test func showStray() throws {
        var entry = VMEntry(name: "web", state: .unknown, file: "", place: Sample.paths)
        entry.isStray = true
        entry.obstacle = Sample.error
        let lines = VMReport(entry, age: nil).rendered(as: .text).split(separator: "\n")
        #expect(lines[2] == "params          -")
        #expect(lines[3] == "run-time files  removed: the VM can be stopped, but not asked")
        let members = VMReport(entry, age: nil).members
        #expect(members["params"] == .null && members["unseen"] == "web: is busy" && members["stray"] == true)
        #expect(
            VMListReport([entry]).remarks == [
                "web: still runs, but without its run-time files, which were removed; `kvmctl show web` says more"
            ])
    }

    /// A file that gives the VM no valid name: there are no places of its logs.
    @Test func showWithoutAName() throws {
        let report = VMReport(Sample.stopped("a\nb"), age: nil)
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
