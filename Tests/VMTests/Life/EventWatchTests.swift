import BridgeNet
import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import VMCore
@testable import VMHost
@testable import VMLife

/// Waiting for what a real QEMU records.
@Suite struct EventWatchTests {
    /// A QEMU that records its events as every VM's does.
    private final class Recorded {
        let vm: Machine
        let qemu: RealQEMU
        private let scratch: Scratch

        init(_ arguments: [String] = []) throws {
            scratch = try Scratch()
            var paths = Paths.system
            (paths.run, paths.log) = (scratch.path, scratch.path)
            let name = try #require(VMName("vm"))
            vm = Machine(name: name, file: "", site: try Site.current.looking(at: paths))
            try makeDirectories(paths.logs(name), permissions: 0o700)
            qemu = try RealQEMU(arguments, record: paths.record(name))
        }

        func watch() throws -> EventWatch {
            guard let process = try ProcessHandle.hold(qemu.pid, where: { () throws(Errno) in true }) else {
                throw Errno.noSuchProcess
            }
            return try EventWatch(vm, process)
        }
    }

    private var soon: Deadline { Deadline(in: .seconds(20)) }

    @Test func aDeviceIsGoneWhenItsDeletionIsRecorded() throws {
        let recorded = try Recorded([
            "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
            "-device", "pcie-root-port,id=port0,chassis=1",
        ])
        try recorded.qemu.execute(
            QMPCommand("device_add", ["driver": "virtio-rng-pci", "id": "rng0", "bus": "port0"]))
        var watch = try recorded.watch()
        try recorded.qemu.execute(QMPCommand("device_del", ["id": "rng0"]))
        let end = try watch.wait(by: soon) { event -> String? in
            if case .deviceDeleted(let id) = event { id } else { nil }
        }
        #expect(end == .found("rng0"))
        // Another wait goes on where this one ended.
        let again = try watch.wait(by: Deadline(in: .zero)) { $0 == .deviceDeleted(id: "rng0") ? true : nil }
        #expect(again == .timedOut)
    }

    @Test func aJobHasEndedWhenItIsConcluded() throws {
        let recorded = try Recorded()
        var watch = try recorded.watch()
        let path = recorded.vm.paths.run.appending("disk").string
        try replaceFile(FilePath(path), with: [], permissions: 0o600)
        try recorded.qemu.execute(
            QMPCommand(
                "blockdev-create",
                ["job-id": "grow", "options": ["driver": "file", "filename": .string(path), "size": 65536]]))
        let end = try watch.wait(by: soon) { $0 == .job(id: "grow", .concluded) ? true : nil }
        #expect(end == .found(true))
        let jobs = try #require(QMPRequest.jobs.read(try recorded.qemu.execute(QMPRequest.jobs.command)))
        #expect(jobs.map(\.id) == ["grow"] && jobs.map(\.status) == [.concluded] && jobs.map(\.failure) == [nil])
        try recorded.qemu.execute(QMPRequest.dismiss(job: "grow").command)
        let gone = try watch.wait(by: soon) { $0 == .job(id: "grow", .gone) ? true : nil }
        #expect(gone == .found(true))
    }

    @Test func theEndIsRecordedOrSeen() throws {
        let recorded = try Recorded()
        var watch = try recorded.watch()
        try recorded.qemu.execute(QMPRequest<Void>.quit.command)
        let end = try watch.wait(by: soon) { event -> String? in
            if case .ends(let reason) = event { reason } else { nil }
        }
        #expect(end == .found("host-qmp-quit"))
        #expect(try watch.wait(by: soon) { _ -> Bool? in nil } == .ended)

        let killed = try Recorded()
        var other = try killed.watch()
        kill(killed.qemu.pid, SIGKILL)
        #expect(try other.wait(by: soon) { _ -> Bool? in nil } == .ended)
    }

    /// A record that was trimmed meanwhile is followed all the same.
    @Test func theBeginningMayBeCutOff() throws {
        let recorded = try Recorded()
        let path = recorded.vm.paths.record(recorded.vm.name)
        let filler = Array((String(repeating: "x", count: 1023) + "\n").utf8)
        let file = try OwnedDescriptor.open(path, .writeOnly, flags: O_APPEND)
        for _ in 0..<200 { try writeAll(filler, to: file.descriptor) }
        var watch = try recorded.watch()
        #expect(try watch.wait(by: Deadline(in: .zero)) { _ -> Bool? in nil } == .timedOut)
        try LogBound(recorded.vm.site, size: 1 << 16).enforce(on: path, keepingFirst: FlightRecord.head)
        try recorded.qemu.execute(QMPRequest<Void>.resume.command)
        #expect(try watch.wait(by: soon) { $0 == .runs ? true : nil } == .found(true))
    }
}
