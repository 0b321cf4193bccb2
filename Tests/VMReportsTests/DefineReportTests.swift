import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife
@testable import VMReports

/// `create`, `check`, `explain`, `keys` and `rm`.
@Suite struct DefineReportTests {
    private func created(_ isDryRun: Bool, root: FilePath?, _ format: DiskFormat = .raw) throws -> CreateReport {
        CreateReport(
            isDryRun: isDryRun, name: try #require(VMName("web")), file: "/vms/web/vm.params",
            paramsText: "MEMORY=1G\nCPUS=1\n", root: root,
            disks: [SparseDisk(path: "/vms/web/vdisk0", size: ByteCount(bytes: 1 << 30), format: format)])
    }

    @Test func create() throws {
        #expect(
            try created(true, root: "/vms").rendered(as: .text) == """
                create /vms
                create /vms/web/vdisk0, sparse, 1 GiB
                write /vms/web/vm.params:
                MEMORY=1G
                CPUS=1

                """)
        #expect(
            try created(false, root: nil).rendered(as: .text) == """
                created /vms/web/vm.params
                created /vms/web/vdisk0

                """)
        #expect(
            try created(false, root: nil).members == [
                "name": "web", "dryRun": false, "params": "/vms/web/vm.params", "text": "MEMORY=1G\nCPUS=1\n",
                "root": .null,
                "disks": [
                    [
                        "path": "/vms/web/vdisk0", "size": 1_073_741_824, "format": "raw", "image": .null,
                        "overlay": false,
                    ]
                ],
                "files": [], "started": false,
            ])
        #expect(
            try created(true, root: nil, .qcow2).rendered(as: .text).hasPrefix("create /vms/web/vdisk0, qcow2, 1 GiB"))
    }

    @Test func check() throws {
        func report(_ verdict: CheckReport.Verdict) throws -> CheckReport {
            CheckReport(try Sample.name, file: "/vms/web/vm.params", verdict)
        }
        let passed = try report(.passed(notices: ["one", "two"]))
        #expect(passed.rendered(as: .text) == "web: ok\n  note: one\n  note: two\n")
        #expect(
            passed.members == [
                "name": "web", "params": "/vms/web/vm.params", "ok": true, "messages": ["one", "two"],
            ])
        #expect(try report(.passed(notices: [])).rendered(as: .text) == "web: ok\n")
        // stderr has the error.
        let failed = try report(.failed(Sample.error))
        #expect(failed.rendered(as: .text) == "")
        #expect(failed.members["ok"] == false && failed.members["messages"] == ["web: is busy\n  wait"])
    }

    @Test func set() throws {
        func text(_ keys: [FileChange.Key], dryRun: Bool = false) throws -> String {
            SetReport(try Sample.name, file: "/vms/web/vm.params", isDryRun: dryRun, keys).rendered(as: .text)
        }
        #expect(
            try text(Sample.changes("a b")) == """
                web: APPEND='a b' (was old)
                web: APPEND='a b', at once
                web: APPEND='a b', which it runs with
                web: APPEND='a b' from the next start (running with 'a b')
                web: APPEND='a b' from the next start (running with the default)
                web: APPEND='a b' from the next start

                """)
        #expect(
            try text(Sample.changes("old").dropLast(2) + []) == """
                web: APPEND=old already
                web: APPEND=old already, at once
                web: APPEND=old already
                web: APPEND=old already from the next start (running with old)

                """)
        let start = FileChange.Key(name: KeyName(.startAfter), before: nil, after: "db", effect: .applied)
        #expect(try text([start]) == "web: START_AFTER=db, when the host starts\n")
        let place = "/vms/defaults.conf:3"
        var shared = FileChange.Key(name: KeyName(.tags), before: "lab", after: "lab", effect: .saved, included: place)
        #expect(
            try text([shared])
                == "web: TAGS=lab stays: it is from \(place); TAGS=VALUE in the VM's own file goes before it\n")
        shared.before = "own"
        #expect(try text([shared]) == "web: TAGS=lab, from \(place) (was own)\n")
        let removed = FileChange.Key(name: KeyName(.cpus), before: "2", after: nil, effect: .saved)
        #expect(try text([removed]) == "web: removed CPUS (was 2)\n")
        #expect(try text([removed], dryRun: true) == "web: would remove CPUS (was 2)\n")
        let added = FileChange.Key(name: KeyName(.cpus), before: nil, after: "2", effect: .saved)
        #expect(try text([added]) == "web: CPUS=2\n")
        #expect(try text([added], dryRun: true) == "web: would set CPUS=2\n")
        #expect(try text([]) == "web: nothing changed\n")
    }

    @Test func rename() throws {
        func text(dryRun: Bool) throws -> String {
            let new = try #require(VMName("db"))
            return RenameReport(
                try Sample.name, to: new, file: "/vms/db/vm.params", isDryRun: dryRun, steps: ["rename a to b"]
            ).rendered(as: .text)
        }
        #expect(try text(dryRun: true) == "web: would rename a to b\n")
        #expect(try text(dryRun: false) == "web: is called db from now on; its file is /vms/db/vm.params\n")
    }

    @Test func explain() throws {
        let report = ArgumentsReport(try Sample.plan("a b"))
        #expect(
            report.rendered(as: .text) == """
                /usr/bin/qemu
                  -name 'a b'
                      its name — a b; line 3, DISK1

                """)
        #expect(
            report.json == [
                [
                    "schema": "kvmctl.argument/1", "words": ["-name", "a b"], "purpose": "its name",
                    "origins": ["a b", "line 3, DISK1"],
                ]
            ])
        #expect(report.remarks == ["a b"])
    }

    @Test func keys() {
        let built = ParamsSchema.Entry(
            key: .disk, group: .disks, indices: 0...25, needs: nil, status: .except(["x"]), example: "e", summary: "s")
        let other = ParamsSchema.Entry(
            key: .append, group: .boot, indices: nil, needs: .kernel, status: .notBuilt, example: "e", summary: "s")
        let report = KeysReport([built, other])
        #expect(report.rendered(as: .text) == "KEY    N     PURPOSE\nDISKn  0-25  s\n")
        #expect(report.objects.map { $0["isBuilt"] } == [true, false])
        #expect(report.objects.map { $0["indices"] } == [[0, 25], []])
        #expect(report.objects.map { $0["needs"] } == [.null, "KERNEL"])
        #expect(KeysReport(ParamsSchema.entries).objects.count == ParamsSchema.entries.count)
    }

    @Test func settings() {
        let report = SettingsReport([
            SettingInForce(.roots, "/srv", .environment("KVMCTL_VMS")),
            SettingInForce(.createMemory, "2G", .file("/etc/kvmctl.conf", line: 3)),
            SettingInForce(.createNet, "user", .standard),
        ])
        #expect(
            report.rendered(as: .text) == """
                KEY            VALUE  FROM                PURPOSE
                VMS            /srv   KVMCTL_VMS          \(SettingKey.roots.summary)
                CREATE_MEMORY  2G     /etc/kvmctl.conf:3  the memory of a new VM
                CREATE_NET     user   default             \(SettingKey.createNet.summary)

                """)
        #expect(report.objects.map { $0["file"] } == [.null, "/etc/kvmctl.conf", .null])
        #expect(report.objects.map { $0["line"] } == [.null, 3, .null])
        #expect(report.objects.map { $0["variable"] } == ["KVMCTL_VMS", .null, .null])
    }

    @Test func remove() throws {
        func report(_ isDryRun: Bool) throws -> RemoveReport {
            RemoveReport(
                try Sample.name, isDryRun: isDryRun, removed: ["/vms/web/vm.params"],
                kept: [("/vms/web/vdisk0", "disks are kept without --disks")])
        }
        let kept = "web: kept /vms/web/vdisk0: disks are kept without --disks\n"
        #expect(try report(false).rendered(as: .text) == "web: removed /vms/web/vm.params\n" + kept)
        #expect(try report(true).rendered(as: .text) == "web: would remove /vms/web/vm.params\n" + kept)
        #expect(
            try report(true).members == [
                "dryRun": true, "name": "web", "removed": ["/vms/web/vm.params"], "kept": ["/vms/web/vdisk0"],
            ])
    }
}
