import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife
@testable import VMReports

/// `start`, its dry run, `stop`, and the other switches of a machine.
@Suite struct RunReportTests {
    @Test func started() throws {
        let report = StartReport(
            try Sample.name, .started(try Sample.entry("web")),
            timings: [(.parse, .microseconds(1500)), (.qemu, .seconds(1))])
        #expect(
            report.rendered(as: .text) == """
                web: started, VNC at 127.0.0.1:5907 (password: `kvmctl vnc web`), tap0 on br0, tap1 on nat at 10.213.0.5, \
                pid 42

                """)
        let members = report.members
        #expect(members["result"] == "started" && members["pid"] == 42 && members["dryRun"] == false)
        #expect(members["vnc"] == ["address": "127.0.0.1", "display": 7, "hasPassword": true, "port": 5907])
        #expect(members["nics"]?.array?.count == 2)
        #expect(members["timings"] == ["parse": 1500, "qemu": 1_000_000])
    }

    @Test func startedWithoutDisplayOrNetwork() throws {
        let bare = VMEntry(name: "web", state: .running, file: "/vms/web/vm.params", place: Sample.paths)
        let report = StartReport(try Sample.name, .started(bare))
        #expect(report.rendered(as: .text) == "web: started\n")
        #expect(report.members["vnc"] == .null && report.members["nics"] == [] && report.members["timings"] == nil)
    }

    @Test func alreadyRunning() throws {
        let name = try Sample.name
        let process = ProcessIdentity("42 100")
        let report = StartReport(name, .alreadyRunning(process), details: try Sample.entry("web"))
        #expect(report.rendered(as: .text) == "web: already running, pid 42\n")
        #expect(report.members["result"] == "alreadyRunning" && report.members["nics"]?.array?.count == 2)
        #expect(StartReport(name, .alreadyRunning(nil)).rendered(as: .text) == "web: already running\n")
    }

    @Test func planned() throws {
        let text = PlanReport(try Sample.plan("1 a")).rendered(as: .text)
        #expect(
            text == """
                start web (/vms/x1 a)
                  create /vms/x1 a, sparse, 8 GiB
                  make the network isolated:lab, unless it is there
                  make the network nat, unless it is there
                  give NET2 the address next free there
                  forward tcp:127.0.0.1:2222:22
                  make the first free tapN, alias web, MTU of br0, 2 queues, on br0
                  make mv0, alias web, MAC 52:54:00:00:00:01, MTU 9000, on br0
                  limit NET0 to 10M bits a second, each way
                  run as 1 a (uid 7, gid 8), without capabilities
                  descriptor 3: /vms/x1 a, read-only, O_DIRECT
                  descriptor 4: tap of NET0, queue 1
                  descriptor 5: hold on isolated:lab
                  execute /usr/bin/qemu \\
                    -name '1 a'
                  then over QMP: {"execute":"cont"}

                """)
    }

    @Test func plannedAsJSON() throws {
        let members = PlanReport(try Sample.plan("a")).members
        #expect(members["dryRun"] == true)
        #expect(members["newDisks"] == [["path": "/vms/xa", "size": 8_589_934_592]])
        #expect(members["taps"] == [["nic": 0, "name": .null, "bridge": "br0", "queues": 2, "vlans": .null]])
        #expect(members["macvtaps"] == [["nic": 1, "name": "mv0", "device": "br0", "queues": 1]])
        #expect(members["policies"] == [["nic": 0, "rate": 10_000_000, "filter": .null]])
        #expect(members["nat"] == [["nic": 2, "address": .null]])
        #expect(members["arguments"] == ["-name", "a"] && members["notices"] == ["a"])
        #expect(members["descriptors"]?.array?.first == ["number": 3, "role": "/vms/xa, read-only, O_DIRECT"])
    }

    @Test(arguments: [
        (Stopping.Outcome(step: .alreadyStopped, answer: .notAsked), "not running"),
        (Stopping.Outcome(step: .guest, answer: .ended), "stopped; the guest shut down"),
        (Stopping.Outcome(step: .quit, answer: .notAsked), "stopped; QEMU was told to quit"),
        (
            Stopping.Outcome(step: .quit, answer: .tooSlow),
            "stopped; the guest did not shut down in 30s; QEMU was told to quit"
        ),
        (
            Stopping.Outcome(step: .killed, answer: .pointless(RunState("guest-panicked"))),
            "stopped; the guest can no longer be asked (guest-panicked); QEMU did not quit and was killed"
        ),
        (Stopping.Outcome(step: .panicked, answer: .ended), "stopped; the guest panicked"),
        (
            Stopping.Outcome(step: .panicked, answer: .ended, cause: try? Sample.panic("web")),
            "stopped; the guest panicked (its kernel panicked)"
        ),
        (
            Stopping.Outcome(step: .crashed, answer: .ended),
            "stopped; QEMU ended before it was told to quit, and did not record why"
        ),
    ])
    func stopped(_ outcome: Stopping.Outcome, _ words: String) throws {
        let report = StopReport(try Sample.name, steps: [.guest], outcome: outcome, patience: .seconds(30))
        #expect(report.rendered(as: .text) == "web: \(words)\n")
        #expect(
            report.members == [
                "dryRun": false, "name": "web", "rungs": ["guest"], "result": .string(outcome.step.rawValue),
                "symptom": outcome.cause == nil ? .null : "panic",
                "cause": outcome.cause == nil ? .null : "its kernel panicked",
                "remedy": .optional(outcome.cause?.remedy.description),
            ])
    }

    @Test func wouldBeStopped() throws {
        func report(_ steps: [Stopping.Step]) throws -> StopReport {
            StopReport(try Sample.name, steps: steps, outcome: nil, patience: .seconds(90))
        }
        let quit = "QEMU is told to quit; else it is killed\n"
        #expect(
            try report([.guest, .quit, .killed]).rendered(as: .text)
                == "web: would be stopped: the guest is asked to shut down, for up to 90s; else " + quit)
        #expect(try report([.quit, .killed]).rendered(as: .text) == "web: would be stopped: " + quit)
        #expect(try report([]).rendered(as: .text) == "web: not running\n")
        let members = try report([]).members
        #expect(members["dryRun"] == true && members["rungs"] == [] && members["result"] == .null)
    }

    @Test(arguments: [
        (PowerSwitch.pause, VMState.running, true, "paused"), (.pause, .paused, false, "already paused"),
        (.resume, .paused, true, "resumed"), (.resume, .running, false, "already running"),
        (.resume, .sleeping, true, "woken up"), (.reset, .paused, true, "reset"),
        (.nmi, .running, true, "sent a non-maskable interrupt"),
    ])
    func switched(_ button: PowerSwitch, _ before: VMState, _ changed: Bool, _ words: String) throws {
        let report = DeedReport.power(try Sample.name, button, from: before, changed: changed, dryRun: false)
        #expect(report.rendered(as: .text) == "web: \(words)\n")
        #expect(report.members["before"] == .string(before.rawValue) && report.members["changed"] == .bool(changed))
        let planned = DeedReport.power(try Sample.name, button, from: before, changed: changed, dryRun: true)
        #expect(planned.members["changed"] == false && planned.rendered(as: .text).contains("would be ") == changed)
    }

    @Test func restarted() throws {
        let name = try Sample.name
        let stop = StopReport(
            name, steps: [.guest], outcome: Stopping.Outcome(step: .guest, answer: .ended), patience: .seconds(30))
        let report = RestartReport(stop, StartReport(name, .alreadyRunning(nil)))
        #expect(report.rendered(as: .text) == "web: stopped; the guest shut down\nweb: already running\n")
        #expect(report.members["stop"]?["schema"] == "kvmctl.stop/1")
        #expect(report.members["start"]?["schema"] == "kvmctl.start/1" && report.members["dryRun"] == false)
    }

    @Test func suspended() throws {
        func report(_ task: Suspending.Task, _ outcome: Suspending.Outcome? = nil) throws -> SuspendReport {
            SuspendReport(try Sample.name, task, outcome: outcome)
        }
        let planned = try report(.save(to: "/vms/web/web.state", atMost: ByteCount(bytes: 3 << 20)))
        #expect(
            planned.rendered(as: .text)
                == "web: would be suspended: its memory is written to /vms/web/web.state, at most 3 MiB\n")
        #expect(planned.members["dryRun"] == true && planned.members["result"] == .null)
        let outcome = Suspending.Outcome(memory: "/vms/web/web.state", size: ByteCount(bytes: 2 << 20))
        let done = try report(.alreadySuspended, outcome)
        #expect(done.rendered(as: .text) == "web: suspended, 2 MiB in /vms/web/web.state\n")
        #expect(done.members["result"] == "suspended" && done.members["size"] == .integer(2 << 20))
        #expect(try report(.alreadySuspended).rendered(as: .text) == "web: already suspended\n")
    }

    @Test func frozen() throws {
        func report(_ before: FreezeState, changed: Int64? = nil, dryRun: Bool = false) throws -> DeedReport {
            DeedReport.freeze(try Sample.name, to: .frozen, from: before, changed: changed, dryRun: dryRun)
        }
        #expect(try report(.thawed, changed: 1).rendered(as: .text) == "web: 1 file system frozen\n")
        #expect(try report(.thawed, changed: 2).rendered(as: .text) == "web: 2 file systems frozen\n")
        #expect(try report(.frozen).rendered(as: .text) == "web: already frozen\n")
        #expect(try report(.frozen).members["changed"] == .null)
        #expect(try report(.thawed, dryRun: true).rendered(as: .text) == "web: would be frozen\n")
        #expect(
            try report(.thawed, dryRun: true).members == [
                "dryRun": true, "name": "web", "before": "thawed", "changed": .null,
            ])
    }

    @Test func trimmed() throws {
        func text(_ trims: [FileSystemTrim]?) throws -> String {
            DeedReport.trim(try Sample.name, trims).rendered(as: .text)
        }
        let root = FileSystemTrim(path: "/", size: ByteCount(bytes: .max), error: nil)
        #expect(try text(nil) == "web: would be trimmed\n")
        #expect(try text([]) == "web: 0 file systems trimmed\n")
        let other = FileSystemTrim(path: "/x", size: nil, error: "no")
        #expect(try text([root, root, other]) == "web: 2 file systems trimmed, 8 EiB\n")
    }
}
