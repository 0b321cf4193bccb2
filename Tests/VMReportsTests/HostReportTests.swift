import BridgeNet
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMReports

/// `net` and `doctor`.
@Suite struct HostReportTests {
    @Test func bridges() {
        let report = BridgesReport(Sample.bridges("web"), trials: ["web": 9])
        #expect(
            report.rendered(as: .text) == """
                BRIDGE  NETWORK     STATE  MTU   MAC                ADDRESS       PORT  VM
                br0     bridge:br0  up     1500  52:54:00:00:00:01  192.0.2.1/24  eth0  (uplink)
                                                                                  tap0  web
                web     web         down   9000                     -             -     -
                web: on trial for another 9 s; `kvmctl net confirm web` keeps it

                """)
        #expect(report.objects.map { $0["trialSecondsLeft"] } == [.null, 9])
        #expect(report.objects.map { $0["uplink"] } == ["eth0", .null])
        #expect(report.objects[0]["ports"] == [["name": "eth0", "alias": .null], ["name": "tap0", "alias": "web"]])
    }

    @Test func adopted() throws {
        func text(isHeld: Bool, isDryRun: Bool) throws -> [Substring] {
            AdoptReport(
                try Sample.name, file: "/vms/web/vm.params", pid: 7, try Sample.adopted("a\nb"), isHeld: isHeld,
                isDryRun: isDryRun
            ).rendered(as: .text).split(separator: "\n")
        }
        let said = try text(isHeld: true, isDryRun: false)
        #expect(said.first == "web: adopted, pid 7, in /vms/web/vm.params")
        #expect(said.last == "web: kvmctl does in its own way: -S")
        #expect(said.contains("web: MEMORY=128M: QEMU's default"))
        #expect(said.allSatisfy { $0.hasPrefix("web: ") })
        #expect(
            try text(isHeld: true, isDryRun: true).first
                == "web: would write /vms/web/vm.params, and give its lock to pid 7")
        #expect(
            try text(isHeld: false, isDryRun: false).first
                == "web: wrote /vms/web/vm.params; pid 7 runs on without kvmctl")
    }

    @Test func changes() throws {
        let uplink = try #require(DeviceName("eth0"))
        func text(_ goal: BridgeChangeReport.Goal, dry: Bool = false, _ steps: [String], moved: String = "") throws
            -> String
        {
            BridgeChangeReport(try Sample.bridge, goal, isDryRun: dry, steps: steps, moved: moved).rendered(as: .text)
        }
        #expect(try text(.up(uplink: nil), []) == "br0: already up\n")
        #expect(try text(.down, dry: true, []) == "br0: no such bridge\n")
        #expect(try text(.up(uplink: nil), dry: true, ["one", "two"]) == "one\ntwo\n")
        #expect(try text(.up(uplink: nil), ["one", "two"]) == "br0: up (one; two)\n")
        #expect(try text(.up(uplink: uplink), ["one"]) == "br0: up, with the uplink eth0\n")
        #expect(
            try text(.up(uplink: uplink), ["one"], moved: "1 address")
                == "br0: up, with the uplink eth0; it has taken over 1 address\n")
        #expect(try text(.down, ["one"]) == "br0: removed\n")
        #expect(
            try text(.down, ["one"], moved: "2 routes") == "br0: removed; 2 routes moved back to its uplink\n")
        let report = BridgeChangeReport(try Sample.bridge, .down, isDryRun: true, steps: ["one"], moved: "")
        #expect(report.json == ["schema": "kvmctl.net/1", "dryRun": true, "name": "br0", "steps": ["one"]])
    }

    @Test func confirm() throws {
        let bridge = try Sample.bridge
        #expect(ConfirmReport([bridge], isDryRun: false).rendered(as: .text) == "br0: confirmed\n")
        #expect(ConfirmReport([bridge], isDryRun: true).rendered(as: .text) == "br0: on trial; would be confirmed\n")
    }

    @Test func persist() throws {
        func report(_ dry: Bool, _ service: NetworkService?, _ plan: PersistPlan) throws -> PersistReport {
            PersistReport(
                try Sample.bridge, isDryRun: dry, service: service, plan: plan,
                effect: "takes effect at the next boot", notices: ["n"])
        }
        let plan = try Sample.persisted("f")
        #expect(
            try report(true, .networkd, plan).rendered(as: .text) == """
                write /etc/f, mode 0600:
                [f]

                remove /etc/oldf
                br0: takes effect at the next boot

                """)
        #expect(
            try report(false, .networkd, plan).rendered(as: .text) == """
                wrote /etc/f
                removed /etc/oldf
                br0: takes effect at the next boot

                """)
        var none = plan
        (none.writes, none.removals) = ([], [])
        #expect(
            try report(false, .networkmanager, none).rendered(as: .text)
                == "br0: already in the files of NetworkManager\n")
        #expect(try report(false, nil, none).rendered(as: .text) == "br0: in none of kvmctl's files\n")
        let members = try report(true, nil, plan).members
        #expect(members["written"] == [["path": "/etc/f", "mode": 384, "text": "[f]\n"]])
        #expect(members["removed"] == ["/etc/oldf"] && members["service"] == .null && members["notices"] == ["n"])
    }

    @Test func doctor() {
        let report = DoctorReport(Sample.findings("eth 1"))
        #expect(
            report.rendered(as: .text) == """
                ok       memory: eth 1
                warning  eth 1: is slow
                         eth 1
                problem  br0: is down
                         fix: ip link set 'eth 1' up
                1 problem, 1 warning

                """)
        #expect(report.objects.map { $0["severity"] } == ["ok", "warning", "problem"])
        #expect(report.objects.map { $0["step"] } == [.null, "eth 1", .null])
        #expect(report.objects.map { $0["command"] } == [.null, .null, "ip link set 'eth 1' up"])
        let twice = DoctorReport(Sample.findings("a") + Sample.findings("b"))
        #expect(twice.rendered(as: .text).hasSuffix("\n2 problems, 2 warnings\n"))
    }
}
