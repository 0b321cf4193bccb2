import SystemPackage
import Testing

@testable import VMCore

/// What is asked, as it is sent, and what the replies of QEMU and its agent are read as.
@Suite struct QMPRequestTests {
    private func reply<Reply>(_ request: QMPRequest<Reply>, _ text: String) throws -> Reply? {
        request.read(try JSON(parsing: text.utf8))
    }

    @Test func repliesOfQEMU() throws {
        #expect(try reply(.status, #"{"running": false, "status": "io-error"}"#) == RunState("io-error"))
        #expect(try reply(.status, "{}") == nil)
        #expect(try reply(.version, #"{"qemu": {"major": 7, "minor": 2, "micro": 22}, "package": "x"}"#) == "7.2.22")
        let server = #"{"enabled": true, "host": "127.0.0.1", "service": "5901", "family": "ipv4"}"#
        #expect(try reply(.vncServer, server)??.port.number == 5901)
        #expect(try reply(.vncServer, #"{"enabled": false}"#) == .some(nil))
        let devices = #"[{"label": "agent0", "frontend-open": true, "filename": "x"}, {"label": 5}, 7]"#
        #expect(try reply(.characterDevices, devices)?.map(\.label) == ["agent0"])
        #expect(try reply(.characterDevices, "{}") == nil)
        #expect(try reply(.processors, #"[{"cpu-index": 0, "qom-path": "/machine/x"}]"#) == ["/machine/x"])
        let machines = #"[{"name": "pc-q35-7.2", "alias": "q35", "cpu-max": 288}, {"alias": "none"}]"#
        #expect(try reply(.machines, machines)?["q35"]?.versionedName == "pc-q35-7.2")
        #expect(try reply(.machines, machines)?.count == 2)
    }

    @Test func theGuestsClock() throws {
        #expect(try reply(.time, "1795850830102634000") == 1_795_850_830_102_634_000)
        #expect(try reply(QMPRequest<Int64>.time, #""now""#) == nil)
    }

    @Test func whatAMachineHas() throws {
        let children = #"[{"name": "disk1", "type": "child<virtio-blk-pci>"}, {"name": "type", "type": "string"}]"#
        #expect(try reply(.deviceIDs, children) == ["disk1"])
        let driven = #"{"status": {"statuses": ["VIRTIO_CONFIG_S_DRIVER_OK: Driver setup and ready"]}}"#
        #expect(try reply(.isDriven("nic0"), driven) == true)
        #expect(try reply(.isDriven("nic0"), #"{"status": {"statuses": ["VIRTIO_CONFIG_S_DRIVER: x"]}}"#) == false)
        #expect(try reply(.isDriven("nic0"), "{}") == nil)
        let nodes = #"""
            [{"node-name": "disk1-file", "file": "/dev/fdset/1000", "image": {"virtual-size": 512}},
             {"node-name": "x", "file": "/dev/fdset/", "image": {"virtual-size": -1}}, {"node-name": "y"}]
            """#
        #expect(
            try reply(.blockNodes, nodes) == [
                RunningHardware.Node(name: "disk1-file", set: 1000, size: ByteCount(bytes: 512))
            ])
        let drives = #"""
            [{"removable": false, "qdev": "/machine/x"}, {"removable": true, "qdev": "cdrom0", "tray_open": false,
              "locked": true, "inserted": {"node-name": "cdrom0-format"}}]
            """#
        #expect(
            try reply(.drives, drives) == [
                RunningHardware.Drive(id: "cdrom0", isLocked: true, medium: "cdrom0-format")
            ])
        let sets = #"""
            [{"fdset-id": 9, "fds": [{"fd": 4, "opaque": "/d"}]}, {"fdset-id": 3, "fds": [{"fd": 5}]},
             {"fdset-id": 1e300}, {"fdset-id": 4, "fds": [{"fd": 6, "opaque": "relative"}]}]
            """#
        #expect(
            try reply(.descriptorSets, sets) == [
                RunningHardware.LentSet(number: 9, path: "/d"), RunningHardware.LentSet(number: 3, path: nil),
                RunningHardware.LentSet(number: 4, path: nil),
            ])
        let pci = #"""
            [{"devices": [{"qdev_id": "disk0"}, {"qdev_id": "port0", "pci_bridge": {"devices": [{"qdev_id": "disk1"}]}},
             {"qdev_id": "port1", "pci_bridge": {"bus": {}}}]}]
            """#
        #expect(try reply(.devicesBehindBridges, pci) == ["port0": ["disk1"], "port1": []])
        #expect(try reply(.memory, #"{"actual": -5}"#) == ByteCount(bytes: 0))
    }

    @Test func repliesOfTheAgent() throws {
        #expect(try reply(.synchronize(7), "7") == 7)
        #expect(try reply(.freeze, "2") == 2)
        #expect(try reply(.freeze, #""all""#) == nil)
        #expect(try reply(.freezeState, #""frozen""#) == .frozen)
        #expect(try reply(.freezeState, #""melting""#) == nil)
        let trims = #"{"paths": [{"path": "/", "trimmed": 512}, {"path": "/x", "error": "no"}, {"path": "C:"}]}"#
        #expect(
            try reply(.trim, trims) == [
                FileSystemTrim(path: "/", size: ByteCount(bytes: 512), error: nil),
                FileSystemTrim(path: "/x", size: nil, error: "no"), FileSystemTrim(path: "C:", size: nil, error: nil),
            ])
        #expect(try reply(.trim, "{}") == nil)
        #expect(
            QMPRequest.synchronize(7).command.line()
                == #"{"arguments":{"id":7},"execute":"guest-sync-delimited"}"#)
    }

    @Test(arguments: [
        ("running", VMState.running, RunState.Attention.ready), ("shutdown", .running, .none),
        ("prelaunch", .starting, .ready), ("inmigrate", .starting, .ready), ("suspended", .sleeping, .wakeUp),
        ("paused", .paused, .resume), ("io-error", .paused, .resume), ("watchdog", .paused, .resume),
        ("guest-panicked", .paused, .none), ("internal-error", .paused, .none), ("postmigrate", .paused, .resume),
        ("a later one", .paused, .ready),
    ])
    func runStatesMean(_ name: String, _ state: VMState, _ attention: RunState.Attention) {
        #expect(RunState(name).vmState == state)
        #expect(RunState(name).attention == attention)
    }

    @Test func whatHaltedProcessorsTell() {
        func processors(_ lines: String...) -> HaltedProcessors {
            HaltedProcessors(
                registers: lines.map { "CPU#0\r\nRIP=1 \($0) CPL=0 II=0 A20=1 SMM=0" }.joined(separator: "\r\n"))
        }
        let (idle, off, busy) = (
            "RFL=00000246 [---Z-P-] HLT=1", "RFL=00000046 [---Z-P-] HLT=1", "RFL=00000246 [---] HLT=0"
        )
        #expect(processors(off, off).areAllFrozen && !processors(off, off).isAnyIdle)
        // As after a panic: one spins, the others are off.
        #expect(!processors(off, busy).areAllFrozen && !processors(off, busy).isAnyIdle)
        #expect(!processors(busy, idle).areAllFrozen && processors(busy, idle).isAnyIdle)
        #expect(!processors().areAllFrozen && !processors().isAnyIdle)
    }

    @Test func whatBecameOfAForwardedConnection() {
        // QEMU 7.2, which ends its lines with CR LF.
        func told(_ connections: String...) -> ForwardedConnections {
            let forwards =
                "  TCP[HOST_FORWARD]  20       127.0.0.1 24080       10.0.2.15    80     0     0\r\n"
                + "  TCP[HOST_FORWARD]  19               * 24081       10.0.2.15    81     0     0\r\n"
            let text =
                "Hub -1 (net0):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n"
                + connections.map { "  \($0)     0     0\r\n" }.joined() + forwards
            return ForwardedConnections(in: text, from: 24080, to: 80)
        }
        let others = [
            "TCP[ESTABLISHED]   92       127.0.0.1 24081       10.0.2.15    81",
            "TCP[ESTABLISHED]   93       10.0.2.15 24080         1.2.3.4   443",
        ]
        let earlier = "TCP[FIN_WAIT_2]    91       127.0.0.1 24080       10.0.2.15    80"
        let before = told(earlier, others[0])
        func now(_ state: String) -> ForwardedConnections.Progress {
            told("TCP[\(state)]  95       127.0.0.1 24080       10.0.2.15    80", earlier, others[1]).newest(
                since: before)
        }
        #expect(now("ESTABLISHED") == .established)
        #expect(now("SYN_SENT") == .waiting)
        // The guest has accepted it, and closed it at once.
        #expect(now("CLOSE_WAIT") == .established)
        #expect(told(earlier, others[0], others[1]).newest(since: before) == .gone)
        #expect(told().newest(since: told()) == .gone)
    }

    @Test func whyAMachineIsPaused() throws {
        func failure(_ data: String) throws -> PauseReason? {
            PauseReason(blockError: try JSON(parsing: data.utf8))
        }
        let full = try failure(#"{"action": "stop", "nospace": true, "node-name": "disk12-throttle", "reason": "x"}"#)
        #expect(full == .noSpace(disk: "DISK12"))
        let broken = try failure(#"{"action": "stop", "nospace": false, "node-name": "disk0-format", "reason": "x"}"#)
        #expect(broken?.description == "I/O error on DISK0: x")
        #expect(try failure(#"{"action": "report", "nospace": true, "node-name": "disk0-format"}"#) == nil)
        #expect(try failure("{}") == nil)
        #expect(RunState("io-error").pauseReason(full) == full)
        #expect(RunState("io-error").pauseReason(nil) == .ioError(disk: nil, cause: nil))
        // Somebody paused it.
        #expect(RunState("paused").pauseReason(full) == nil)
        #expect(RunState("guest-panicked").pauseReason(nil)?.canBeResumed == false)
        #expect(RunState("internal-error").pauseReason(nil)?.canBeResumed == false)
    }
}
